// One table per command binds every setting once: its flag, its configuration key, its type, its help and its place in
// the options struct. Parser, TOML reader, defaults and help are read off the table.
#pragma once

#include <clvsim/fit.hpp>
#include <clvsim/generate.hpp>
#include <clvsim/import.hpp>
#include <clvsim/simulate.hpp>

#include <functional>
#include <set>
#include <string>
#include <vector>

namespace CLI {
class App;
}
namespace clvsim {
class TomlTable;
}

namespace clvsim::cli {

struct Setting {
  enum class Kind : std::uint8_t { text, integer, number, switch_on, list, texts };  // lists of numbers, of texts

  std::string key;  // "discount-period": the flag --discount-period and the TOML key discount_period
  Kind kind = Kind::text;
  std::string value_name;  // "RATE"; empty for a switch
  std::string help;
  std::string default_text;
  // Takes the value as text ("true" for a switch, comma-separated for a list, also where the flag of a list of texts is
  // repeated); throws ConfigError with the reason alone.
  std::function<void(const std::string&)> set;
  bool in_files = true;  // false: a flag only, because it does not belong to what is computed (threads, device)
};

// Settings of one command, and which of them were given.
class Settings {
 public:
  explicit Settings(std::vector<Setting> table) : table_(std::move(table)) {}

  // Declares a flag for each setting in the help group `group`.
  void add_flags(CLI::App& command, const std::string& group);
  // Reads a table of a configuration file: sets what is there and was not given by a flag already.
  void read(const TomlTable& table);
  // Applies the flags that were given. Throws ConfigError "--flag VALUE: reason".
  void apply_flags();
  [[nodiscard]] const std::set<std::string>& given() const { return given_; }
  [[nodiscard]] bool given(const std::string& key) const { return given_.contains(key); }

 private:
  std::vector<Setting> table_;
  std::vector<std::vector<std::string>> flag_values_;
  std::vector<bool> flag_set_;
  std::set<std::string> given_;
};

// The tables. Each binds to `options`, which must outlive it.
Settings import_settings(ImportOptions& options);
Settings fit_settings(FitOptions& options);
Settings simulate_settings(SimulationOptions& options, const std::string& sampler = "auto");
Settings generate_settings(GenerateOptions& options);

// "discount-period" -> "discount_period".
std::string file_key(const std::string& flag_key);

// The value of a --device flag. Throws ConfigError.
DeviceChoice device_choice(const std::string& text);

std::string_view name_of(DiscountConvention convention);
std::string_view name_of(RatePeriod period);

}  // namespace clvsim::cli
