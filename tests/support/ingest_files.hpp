// Log files for the tests of the import.
#pragma once

#include "tests/support/files.hpp"

#include <clvsim/import.hpp>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <filesystem>
#include <string>
#include <string_view>

namespace clvsim::test {

// A temporary folder with logs in it.
class LogFolder : public TemporaryFolder {
 public:
  std::filesystem::path write(const std::string& name, std::string_view text) const {
    write_file(path() / name, text);
    return path() / name;
  }
  // Options that import `text` as one log into store.h5.
  [[nodiscard]] ImportOptions import_of(std::string_view text, const std::string& name = "log.csv") const {
    ImportOptions options;
    options.logs = {write(name, text)};
    options.output = path() / "store.h5";
    return options;
  }
};

// One gzip member.
inline std::string gzip(std::string_view text) {
  z_stream stream{};
  if (::deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) throw std::runtime_error("zlib");
  std::string out(text.size() + 1024, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  if (::deflate(&stream, Z_FINISH) != Z_STREAM_END) throw std::runtime_error("zlib");
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  return out;
}

// All customers of a store.
inline CustomerBatch customers_of(const std::filesystem::path& store) {
  const StoreReader reader(store);
  CustomerBatch batch;
  reader.read(0, reader.info().n_customers, batch);
  return batch;
}

// The message of the exception that `call` throws; fails the test where it throws no E.
template <typename E, typename Call>
std::string message_of(Call&& call) {
  try {
    call();
  } catch (const E& error) {
    return error.what();
  } catch (const std::exception& error) {
    ADD_FAILURE() << "another exception: " << error.what();
    return {};
  }
  ADD_FAILURE() << "no exception";
  return {};
}

}  // namespace clvsim::test
