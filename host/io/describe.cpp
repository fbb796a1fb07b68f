#include "host/io/describe.hpp"

#include "host/io/run_reading.hpp"
#include "host/io/store_file.hpp"

#include <nlohmann/json.hpp>

#include <cmath>

namespace clvsim {
namespace {

using Json = nlohmann::json;

template <class T>
Json numbers(const std::vector<h5::Attribute>& attributes, const h5::Attribute& attribute) {
  const std::vector<T> values = h5::values_of<T>(attributes, attribute.name);
  if (attribute.scalar) {
    if constexpr (std::is_floating_point_v<T>)
      if (!std::isfinite(values[0])) return nullptr;
    return values[0];
  }
  return values;
}

// A text of a file may be no UTF-8 (segment names, say): what is not becomes U+FFFD.
std::string valid_utf8(const std::string& text) {
  return Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace)).get<std::string>();
}

Json value(const std::vector<h5::Attribute>& attributes, const h5::Attribute& attribute) {
  switch (attribute.type.kind) {
    case h5::Type::Kind::text:
      return valid_utf8(h5::text_of(attributes, attribute.name));
    case h5::Type::Kind::i32:
      return numbers<std::int32_t>(attributes, attribute);
    case h5::Type::Kind::u32:
      return numbers<std::uint32_t>(attributes, attribute);
    case h5::Type::Kind::i64:
      return numbers<std::int64_t>(attributes, attribute);
    case h5::Type::Kind::u64:
      return numbers<std::uint64_t>(attributes, attribute);
    case h5::Type::Kind::f64:
      return numbers<double>(attributes, attribute);
    case h5::Type::Kind::u8:
      break;
  }
  return nullptr;
}

Json of_seal(const SealInfo& seal) {
  return {{"type", seal.type},
          {"format_version", fmt::format("{}.{}", seal.major, seal.minor)},
          {"bytes", seal.identity.bytes},
          {"payload_digest", to_hex(seal.payload_digest)},
          {"content_digest", to_hex(seal.content_digest)}};
}

void add_contents(Json& document, const std::vector<h5::Attribute>& attributes,
                  const std::vector<const h5::TableReader*>& tables) {
  Json values = Json::object();
  for (const h5::Attribute& attribute : attributes) values[attribute.name] = value(attributes, attribute);
  document["attributes"] = std::move(values);
  Json datasets = Json::array();
  for (const h5::TableReader* table : tables)
    for (const auto& column : table->describe())
      datasets.push_back({{"path", column.path},
                          {"type", h5::to_string(column.type)},
                          {"rows", column.rows},
                          {"units", valid_utf8(h5::text_of(column.attributes, "units"))},
                          {"long_name", valid_utf8(h5::text_of(column.attributes, "long_name"))}});
  document["datasets"] = std::move(datasets);
}

Json ledger_of(const Ledger& ledger) {
  Json lines = Json::object();
  for (const auto& [name, line] : store_format::lines_of(ledger))
    lines[name] = {{"rows", line.rows}, {"amount", line.amount}};
  lines["zero_amount"].erase("amount");
  Json reasons = Json::object();
  for (const auto& [reason, rows] : ledger.rejected_by_reason) reasons[valid_utf8(reason)] = rows;
  lines["rejected_by_reason"] = std::move(reasons);
  return lines;
}

Json portfolio_of(RunInfo info) {
  Json lines = Json::object();
  for (const auto& line : run_format::portfolio_lines(info))
    lines[line.name] = {{"value", line.value->mean}, {"se", line.value->se}};
  return lines;
}

SealInfo check_any(const std::filesystem::path& path) {
  SealInfo seal = check_seal(path);
  if (seal.type == store_format::type)
    check_store(path, seal);
  else if (seal.type == run_format::type)
    check_run(path, seal);
  else
    throw FormatError(
        fmt::format("'{}' is a clvsim file of a type that this clvsim does not know; upgrade clvsim", path.string()));
  return seal;
}

}  // namespace

nlohmann::json describe_file(const std::filesystem::path& path) {
  const SealInfo seal = check_any(path);
  Json document = of_seal(seal);
  h5::reading(path, [&] {
    if (seal.type == store_format::type) {
      const StoreFile file(path, seal);
      add_contents(document, file.attributes(), file.tables());
      document["ledger"] = ledger_of(file.info().ledger);
      Json segments = Json::array();
      for (const std::string& name : file.info().segments) segments.push_back(valid_utf8(name));
      document["segments"] = std::move(segments);
      Json covariates = Json::array();
      for (const std::string& name : file.info().covariates) covariates.push_back(valid_utf8(name));
      document["covariates"] = std::move(covariates);
    } else {
      const RunFile file(path, seal);
      add_contents(document, file.attributes(), file.tables());
      document["portfolio"] = portfolio_of(file.info());
    }
  });
  return document;
}

nlohmann::json verify_file(const std::filesystem::path& path) {
  const SealInfo seal = check_any(path);
  Json document = of_seal(seal);
  document["checked"] = {"seal", "structure", "content digest", "values"};
  return document;
}

}  // namespace clvsim
