#include "host/io/sealed_writer.hpp"

#include <unistd.h>

#include <cerrno>

namespace clvsim::h5 {

SealedWriter::SealedWriter(const std::filesystem::path& path, bool overwrite,
                           const std::vector<std::pair<std::string, std::vector<std::string>>>& groups)
    : output_(path, overwrite), file_(create_file(output_.temporary_path(), output_.descriptor())) {
  for (const auto& [group, members] : groups)
    if (group != "/") create_group(file_.get(), group);
}

SealedWriter::~SealedWriter() {
  const LibraryLock lock;
  file_.close();
  // A file that could not be written stays open inside libhdf5: give its space back all the same.
  if (!committed_ && ::ftruncate(output_.descriptor(), 0) != 0) errno = 0;
}

void SealedWriter::write_table(const std::string& group, const std::vector<Column>& columns,
                               const std::vector<const void*>& values, std::size_t rows) {
  TableWriter table(id(), group, columns);
  table.append(values, rows);
  table.finish(digest_);
}

Digest SealedWriter::finish(std::string_view type, const std::vector<Attribute>& root_attributes) {
  digest_.add_root(root_attributes);
  const Digest content = digest_.digest();
  {
    const Handle root(H5Gopen2(file_.get(), "/", H5P_DEFAULT), H5Gclose, "opening the root");
    for (const Attribute& attribute : root_attributes) write_attribute(root.get(), attribute);
    write_attribute(root.get(), text_attribute("content_digest", to_hex(content)));
  }
  if (!file_.close()) check(-1, "closing the file");
  write_seal(output_.descriptor(), output_.final_path(), type, content);
  output_.commit();
  committed_ = true;
  return content;
}

}  // namespace clvsim::h5
