// The rejected rows of an import: counted by reason and, where wanted, written to a file.
#pragma once

#include "host/base/output_file.hpp"
#include "host/ingest/fields.hpp"

#include <array>
#include <map>
#include <memory>
#include <optional>

namespace clvsim {

// What a rejected field was meant to be.
enum class Role : std::uint8_t {
  row,
  customer,
  date,
  amount,
  cost,
  quantity,
  segment,
  kind,
  tenure,
  churned,
  count,
  covariate
};
inline constexpr std::size_t n_roles = 12, n_rejects = static_cast<std::size_t>(Reject::n_fields) + 1;

class Rejects {
 public:
  // `path`: the file for the rows; it is made with the first of them.
  Rejects(std::optional<std::filesystem::path> path, bool overwrite, int decimals)
      : path_(std::move(path)), overwrite_(overwrite), decimals_(decimals) {}

  // `column` is the name of the column, empty where the row as a whole is at fault.
  void add(const std::string& file, std::int64_t line, std::string_view column, Role role, Reject reason,
           std::string_view row);
  // The file gets its final name, if there were rows.
  void commit();
  // Removes the file of an earlier import where this one rejected nothing and may overwrite: it would be taken for the
  // rejects of this one. False where a file stands and cannot be removed.
  [[nodiscard]] bool remove_stale() const;
  [[nodiscard]] std::map<std::string, std::int64_t> by_reason() const;

 private:
  [[nodiscard]] std::string text_of(Role role, Reject reason) const;

  std::optional<std::filesystem::path> path_;
  bool overwrite_;
  int decimals_;
  std::unique_ptr<OutputFile> output_;
  std::array<std::array<std::int64_t, n_rejects>, n_roles> counts_{};
};

}  // namespace clvsim
