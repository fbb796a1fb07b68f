#include "host/ingest/rejects.hpp"

#include <fmt/format.h>

namespace clvsim {
namespace {

std::string_view name_of(Role role) {
  switch (role) {
    case Role::row:
      return "";
    case Role::customer:
      return "customer id";
    case Role::date:
      return "date";
    case Role::amount:
      return "amount";
    case Role::cost:
      return "cost";
    case Role::quantity:
      return "quantity";
    case Role::segment:
      return "segment";
    case Role::kind:
      return "kind";
    case Role::tenure:
      return "tenure";
    case Role::churned:
      return "churned";
    case Role::count:
      return "count";
    case Role::covariate:
      return "covariate";
  }
  return "";
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    out += c;
    if (c == '"') out += c;
  }
  return out + '"';
}

std::string quoted_where_needed(std::string_view text) {
  return text.find_first_of("\",\r\n") == std::string_view::npos ? std::string(text) : quoted(text);
}

}  // namespace

std::string Rejects::text_of(Role role, Reject reason) const {
  constexpr int quantity_decimals = 3;
  if (role == Role::row || reason == Reject::zero_refund) return std::string(phrase(reason));
  if (reason == Reject::too_many_decimals)
    return fmt::format("{} has more than {} decimals", name_of(role),
                       role == Role::quantity ? quantity_decimals : decimals_);
  return fmt::format("{} {}", name_of(role), phrase(reason));
}

void Rejects::add(const std::string& file, std::int64_t line, std::string_view column, Role role, Reject reason,
                  std::string_view row) {
  ++counts_[static_cast<std::size_t>(role)][static_cast<std::size_t>(reason)];
  if (!path_) return;
  if (!output_) {
    output_ = std::make_unique<OutputFile>(*path_, overwrite_);
    output_->write("file,line,column,reason,row\n");
  }
  output_->write(fmt::format("{},{},{},{},{}\n", quoted_where_needed(file), line, quoted_where_needed(column),
                             text_of(role, reason), quoted(row)));
}

void Rejects::commit() {
  if (output_) output_->commit();
  output_.reset();
}

bool Rejects::remove_stale() const {
  if (!path_ || !overwrite_ || !by_reason().empty()) return true;
  std::error_code error;
  if (!std::filesystem::is_regular_file(std::filesystem::symlink_status(*path_, error))) return true;
  std::filesystem::remove(*path_, error);
  return !error;
}

std::map<std::string, std::int64_t> Rejects::by_reason() const {
  std::map<std::string, std::int64_t> counts;
  for (std::size_t role = 0; role < n_roles; ++role)
    for (std::size_t reason = 0; reason < n_rejects; ++reason)
      if (counts_[role][reason] > 0)
        counts[text_of(static_cast<Role>(role), static_cast<Reject>(reason))] += counts_[role][reason];
  return counts;
}

}  // namespace clvsim
