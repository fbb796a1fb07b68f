#include "host/model/model_file.hpp"

#include "host/base/output_file.hpp"
#include "host/base/text.hpp"
#include "host/base/toml_file.hpp"
#include "host/model/chain_covariate_file.hpp"
#include "host/model/dwell.hpp"
#include "host/model/fault.hpp"
#include "host/model/lever_file.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

namespace clvsim {
namespace {

constexpr std::string_view format_name = "clvsim-model";
constexpr int format_version = 1;

// Shortest text that reads back as the same double; zero has one spelling.
std::string number(double value) { return value == 0 ? "0" : fmt::format("{}", value); }

std::string numbers(const std::vector<double>& values) {
  std::string text;
  for (const double value : values) text += (text.empty() ? "" : ", ") + number(value);
  return "[" + text + "]";
}

std::string_view name_of(Measure measure) { return measure == Measure::profit ? "profit" : "revenue"; }

void append_spend(std::string& text, const SpendModel& spend) {
  text +=
      "\n# Spend per purchase: ln(amount) = level + noise; a customer's level is drawn around log_mean of its "
      "frequency\n"
      "# class with between_sd, given the customer's own purchases; the noise has within_sd; then times smearing.\n"
      "# purchases_in_period: probability of 1, 2, ... purchases in a period with a purchase. refund_rate: refunds "
      "per\n"
      "# purchase; ln(refund) = level + refund_log_shift + noise with refund_log_sd; then times smearing.\n"
      "[spend]\n";
  text += fmt::format("log_mean = {}\n", numbers(spend.log_mean));
  text += fmt::format("between_sd = {}\n", number(spend.between_sd));
  text += fmt::format("within_sd = {}\n", number(spend.within_sd));
  text += fmt::format("smearing = {}\n", number(spend.smearing));
  text += fmt::format("zero_share = {}\n", number(spend.zero_share));
  text += fmt::format("purchases_in_period = {}\n", numbers(spend.purchases_in_period));
  text += fmt::format("refund_rate = {}\n", number(spend.refund_rate));
  text += fmt::format("refund_log_shift = {}\n", number(spend.refund_log_shift));
  text += fmt::format("refund_log_sd = {}\n", number(spend.refund_log_sd));
}

// How customers differ in a state.
void append_row(std::string& text, const MigrationChain& chain, const ChainState& state) {
  if (state.concentration) text += fmt::format("concentration = {}\n", number(*state.concentration));
  if (state.row_of >= 0)
    text += fmt::format("row_of = {}\n", toml_string(chain.states[static_cast<std::size_t>(state.row_of)].name));
}

void append_state(std::string& text, const MigrationChain& chain, const ChainState& state) {
  text += fmt::format("\n[[state]]\nname = {}\nactive = {}\n", toml_string(state.name), state.active);
  if (state.amount != 0) text += fmt::format("amount = {}\n", number(state.amount));
  append_row(text, chain, state);
  text += "outcomes = [\n";
  for (const ChainOutcome& outcome : state.outcomes) {
    text +=
        fmt::format("  {{ to = {}, probability = {}",
                    toml_string(chain.states[static_cast<std::size_t>(outcome.to)].name), number(outcome.probability));
    if (outcome.standard_error != 0) text += fmt::format(", standard_error = {}", number(outcome.standard_error));
    if (outcome.count != 0) text += fmt::format(", count = {}", number(outcome.count));
    if (outcome.amount != 0) text += fmt::format(", amount = {}", number(outcome.amount));
    if (outcome.purchase) text += ", purchase = true";
    text += " },\n";
  }
  text += "]\n";
}

bool same_row(const ChainState& a, const ChainState& b) {
  return a.concentration == b.concentration && a.row_of == b.row_of &&
         std::equal(a.outcomes.begin(), a.outcomes.end(), b.outcomes.begin(), b.outcomes.end(),
                    [](const ChainOutcome& x, const ChainOutcome& y) {
                      return x.probability == y.probability && x.standard_error == y.standard_error &&
                             x.count == y.count;
                    });
}

void append_segments(std::string& text, const MigrationChain& chain) {
  if (chain.segments.empty()) return;
  text +=
      "\n# Segments whose customers behave in their own way: in these states they have probabilities (standard errors, "
      "counts)\n"
      "# of the outcomes, in the order of [[state]], and a concentration of their own; elsewhere those above.\n";
  for (const ChainSegment& segment : chain.segments) {
    text += fmt::format("\n[[segment]]\nname = {}\n", toml_string(segment.name));
    for (std::size_t s = 0; s < segment.states.size(); ++s) {
      const ChainState& state = segment.states[s];
      if (same_row(state, chain.states[s])) continue;
      text += fmt::format("\n[[segment.state]]\nname = {}\n", toml_string(state.name));
      append_row(text, chain, state);
      const auto append = [&](const char* key, double ChainOutcome::*of, bool always) {
        std::vector<double> values;
        for (const ChainOutcome& outcome : state.outcomes) values.push_back(outcome.*of);
        if (always || std::any_of(values.begin(), values.end(), [](double x) { return x != 0; }))
          text += fmt::format("{} = {}\n", key, numbers(values));
      };
      append("probabilities", &ChainOutcome::probability, true);
      append("standard_errors", &ChainOutcome::standard_error, false);
      append("counts", &ChainOutcome::count, false);
    }
  }
}

int index_of_state(const MigrationChain& chain, const TomlTable& table, std::string_view key) {
  const std::string name = table.string(key);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < chain.states.size(); ++i) {
    if (chain.states[i].name == name) return static_cast<int>(i);
    names.push_back(chain.states[i].name);
  }
  std::string shown = name.substr(0, max_name_length);
  table.fail(key, fmt::format("is \"{}\", which is no state of the model{}", shown, did_you_mean(name, names)));
}

SpendModel read_spend(const TomlTable& table) {
  SpendModel spend;
  spend.log_mean = table.numbers("log_mean");
  spend.between_sd = table.number("between_sd", 0);
  spend.within_sd = table.number("within_sd", 0);
  spend.smearing = table.optional_number("smearing", 0).value_or(1);
  spend.zero_share = table.optional_number("zero_share", 0, 1).value_or(0);
  spend.purchases_in_period = table.optional_numbers("purchases_in_period", 0, 1).value_or(std::vector<double>{1});
  spend.refund_rate = table.optional_number("refund_rate", 0, 1).value_or(0);
  spend.refund_log_shift = table.optional_number("refund_log_shift").value_or(0);
  spend.refund_log_sd = table.optional_number("refund_log_sd", 0).value_or(0);
  return spend;
}

void read_outcomes(MigrationChain& chain, const TomlTable& table, ChainState& state) {
  for (const TomlTable& row : table.tables("outcomes")) {
    ChainOutcome outcome;
    outcome.to = index_of_state(chain, row, "to");
    outcome.probability = row.number("probability", 0, 1);
    outcome.standard_error = row.optional_number("standard_error", 0, 1).value_or(0);
    outcome.count = row.optional_number("count", 0).value_or(0);
    outcome.amount = row.optional_number("amount").value_or(0);
    outcome.purchase = row.optional_boolean("purchase").value_or(false);
    state.outcomes.push_back(outcome);
  }
}

// How customers differ in a state, where the file says so.
void read_row(const MigrationChain& chain, const TomlTable& table, ChainState& state) {
  state.concentration = table.optional_number("concentration", lowest_concentration, highest_concentration);
  if (table.has("row_of")) state.row_of = index_of_state(chain, table, "row_of");
  if (state.concentration && table.has("dwell"))
    table.fail("concentration",
               "and dwell exclude each other: a stay is many states, and a customer would differ in each on its own");
}

std::vector<ChainSegment> read_segments(const TomlTable& root, const MigrationChain& chain) {
  std::vector<ChainSegment> segments;
  for (const TomlTable& table : root.tables("segment")) {
    ChainSegment segment{table.string("name"), chain.states};
    std::vector<bool> given(chain.states.size());
    for (const TomlTable& own : table.tables("state")) {
      const auto s = static_cast<std::size_t>(index_of_state(chain, own, "name"));
      ChainState& state = segment.states[s];
      if (given[s]) own.fail("name", fmt::format("'{}' stands twice in the segment; give a state once", state.name));
      given[s] = true;
      const auto read = [&](const char* key, double ChainOutcome::*of, std::vector<double> values) {
        if (values.size() != state.outcomes.size())
          own.fail(key, fmt::format("has {} numbers, and the state '{}' has {} outcomes; give one each, in their order",
                                    values.size(), state.name, state.outcomes.size()));
        for (std::size_t k = 0; k < values.size(); ++k) state.outcomes[k].*of = values[k];
      };
      const std::vector<double> none(state.outcomes.size(), 0);
      read("probabilities", &ChainOutcome::probability, own.numbers("probabilities", 0, 1));
      read("standard_errors", &ChainOutcome::standard_error,
           own.optional_numbers("standard_errors", 0, 1).value_or(none));
      read("counts", &ChainOutcome::count, own.optional_numbers("counts", 0, max_minor_units).value_or(none));
      state.row_of = -1;
      read_row(chain, own, state);
    }
    segments.push_back(std::move(segment));
  }
  return segments;
}

// How long a customer stays in a state, where the file says so.
std::optional<Dwell> read_dwell(const TomlTable& state, const MigrationChain& chain, const ChainState& of) {
  const auto table = state.optional_table("dwell");
  if (!table) return {};
  constexpr double largest = 1e6, most_phases = max_states;
  if (chain.recency_frequency)
    state.fail("dwell", "and [recency_frequency] exclude each other: cells are the periods since the last purchase");
  if (!chain.segments.empty())
    state.fail("dwell", "and [[segment]] exclude each other: a stay is many states, and those of segments are of one");
  if (!chain.levers.empty() || !chain.regimes.empty())
    state.fail("dwell", "and [[lever]] or [[regime]] exclude each other in a model; give the levers in a scenario");
  if (!chain.covariates.empty())
    state.fail("dwell",
               "and [[covariate]] exclude each other: effects are on the outcomes of a period, and those of the state "
               "are of a stay's end");
  for (const ChainOutcome& outcome : of.outcomes)
    if (outcome.standard_error != 0)
      state.fail("dwell",
                 "has outcomes with a standard_error, whose probabilities are of a period, not of a stay's end");
  if (of.outcomes.size() >= static_cast<std::size_t>(max_outcomes))
    state.fail("dwell", fmt::format("has {} outcomes; a stay has at most {}", of.outcomes.size(), max_outcomes - 1));
  if (table->has("phases"))
    return phase_dwell(static_cast<int>(table->integer("phases", 1, static_cast<std::int64_t>(most_phases))),
                       table->number("leave", 1 / largest, 1));
  if (table->has("scale"))
    return weibull_dwell(table->number("scale", 1 / largest, largest), table->number("c", 0.01, 100));
  const std::vector<double> probabilities = table->numbers("probabilities", 0, 1);
  double sum = 0;
  for (const double p : probabilities) sum += p;
  if (probabilities.empty() || !(std::abs(sum - 1) <= sum_tolerance))
    table->fail("probabilities",
                fmt::format("sum to {}; give the probabilities of 1, 2, ... periods, which sum to 1", sum));
  return dwell_of(probabilities);
}

[[noreturn]] void refuse(const ModelFault& fault, const TomlTable& root, const std::vector<TomlTable>& states) {
  using Part = ModelFault::Part;
  if (fault.part == Part::state) states[static_cast<std::size_t>(fault.state)].fail(fault.key, fault.message);
  if (fault.part == Part::spend) root.table("spend").fail(fault.key, fault.message);
  if (fault.part == Part::segment)
    root.tables("segment")[static_cast<std::size_t>(fault.state)].fail(fault.key, fault.message);
  if (fault.part == Part::lever)
    root.tables("lever")[static_cast<std::size_t>(fault.state)].fail(fault.key, fault.message);
  if (fault.part == Part::covariate)
    root.tables("covariate")[static_cast<std::size_t>(fault.state)].fail(fault.key, fault.message);
  if (fault.part == Part::recency_frequency) root.table("recency_frequency").fail(fault.key, fault.message);
  root.fail(fault.key, fault.message);
}

}  // namespace

void check_format(const TomlTable& root) {
  if (root.string("format") != format_name)
    root.fail("format", fmt::format("is not \"{}\"; this is no file of a model", format_name));
  const std::int64_t version = root.integer("version", 1);
  if (version > format_version)
    throw FormatError(fmt::format("{}: 'version' is {}, newer than the {} that this clvsim reads; upgrade clvsim",
                                  root.where("version"), version, format_version));
}

bool is_chain(const TomlTable& root) {
  const auto model = root.optional_string("model");
  return !model || *model == "migration_chain";
}

void read_heading(const TomlTable& root, PeriodUnit& unit, Currency& currency) {
  try {
    unit = parse_period_unit(root.string("period"));
  } catch (const ConfigError&) {
    root.fail("period", "is no period unit; give \"day\", \"week\", \"month\" or \"year\"");
  }
  currency.code = root.optional_string("currency").value_or("");
  currency.decimals = static_cast<int>(root.optional_integer("decimals", 0, max_decimals).value_or(2));
}

MigrationChain chain_of(const TomlFile& file) {
  const TomlTable root = file.root();
  check_format(root);
  if (!is_chain(root))
    root.fail("model", fmt::format("is \"{}\", and a migration_chain is needed here; fit one (clvsim fit --model "
                                   "migration_chain)",
                                   root.string("model")));
  MigrationChain chain;
  read_heading(root, chain.unit, chain.currency);
  const std::string measure = root.optional_string("measure").value_or("revenue");
  if (measure != "revenue" && measure != "profit")
    root.fail("measure", "is neither \"revenue\" nor \"profit\"; say what the amounts of the model are");
  chain.measure = measure == "profit" ? Measure::profit : Measure::revenue;
  chain.margin = root.optional_number("margin", lowest_margin, 1);

  if (const auto fitted = root.optional_table("fitted")) {
    chain.fitted_from_digest = fitted->string("store_digest");
    chain.n_customers = fitted->integer("customers", 0);
    chain.n_customer_periods = fitted->integer("customer_periods", 0);
  }
  if (const auto table = root.optional_table("recency_frequency")) {
    RecencyFrequency cells;
    cells.recency_cells = static_cast<int>(table->integer("recency_cells", 1, max_states - 1));
    cells.class_from.clear();
    for (const std::int64_t from : table->integers("class_from", 1, std::numeric_limits<int>::max()))
      cells.class_from.push_back(static_cast<int>(from));
    chain.recency_frequency = cells;
  }
  if (const auto table = root.optional_table("spend")) chain.spend = read_spend(*table);

  const std::vector<TomlTable> tables = root.tables("state");
  if (tables.empty() || tables.size() > max_states)
    root.fail("state", fmt::format("has {} entries; give 1 to {} tables [[state]]", tables.size(), max_states));
  for (const TomlTable& table : tables) {
    ChainState state;
    state.name = table.string("name");
    state.active = table.optional_boolean("active").value_or(true);
    state.amount = table.optional_number("amount").value_or(0);
    chain.states.push_back(std::move(state));
  }
  // Only now: an outcome may lead to a later state.
  for (std::size_t i = 0; i < tables.size(); ++i) {
    read_outcomes(chain, tables[i], chain.states[i]);
    read_row(chain, tables[i], chain.states[i]);
  }
  chain.segments = read_segments(root, chain);
  chain.covariates = read_covariates(
      root, [&](const TomlTable& table, std::string_view key) { return index_of_state(chain, table, key); }, chain);
  chain.levers = read_levers(root, chain);
  chain.regimes = read_regimes(root, chain);
  chain.start_state = root.has("start") ? index_of_state(chain, root, "start") : 0;
  std::vector<std::optional<Dwell>> dwells;
  bool has_dwells = false;
  for (std::size_t i = 0; i < tables.size(); ++i) {
    dwells.push_back(read_dwell(tables[i], chain, chain.states[i]));
    has_dwells = has_dwells || dwells.back();
  }
  file.finish();
  if (const auto fault = find_fault(chain)) refuse(*fault, root, tables);
  if (!has_dwells) return chain;
  std::vector<int> origin;
  MigrationChain expanded = with_dwells(chain, dwells, origin);
  if (auto fault = find_fault(expanded)) {
    if (fault->key == "state")
      root.fail("state",
                fmt::format("becomes {} states by their dwells; at most {}: count longer periods, or shorter stays",
                            expanded.states.size(), max_states));
    if (fault->state >= 0) fault->state = origin[static_cast<std::size_t>(fault->state)];
    refuse(*fault, root, tables);
  }
  return expanded;
}

std::string model_toml(const MigrationChain& chain) {
  check(chain);
  std::string text =
      "# A migration chain: the states of a customer, what can happen in a period, and what it is worth.\n"
      "# Written and read by clvsim (docs/formats/model.md). Amounts are in currency units. In every state the\n"
      "# probabilities of the outcomes sum to 1; standard_error and count say what the log knew of each.\n";
  text += fmt::format("format = \"{}\"\nversion = {}\n", format_name, format_version);
  text += fmt::format("period = \"{}\"\n", name_of(chain.unit));
  text += fmt::format("currency = {}\ndecimals = {}\n", toml_string(chain.currency.code), chain.currency.decimals);
  text += fmt::format("measure = \"{}\"\n", name_of(chain.measure));
  if (chain.margin) text += fmt::format("margin = {}  # profit share of revenue\n", number(*chain.margin));
  text += fmt::format("start = {}  # of a customer without a history\n",
                      toml_string(chain.states[static_cast<std::size_t>(chain.start_state)].name));
  if (!chain.fitted_from_digest.empty() || chain.n_customers > 0 || chain.n_customer_periods > 0) {
    text += "\n# What the model was estimated from: the content digest of the store, and how much it had.\n[fitted]\n";
    text += fmt::format("store_digest = {}\ncustomers = {}\ncustomer_periods = {}\n",
                        toml_string(chain.fitted_from_digest), chain.n_customers, chain.n_customer_periods);
  }
  if (chain.recency_frequency) {
    text +=
        "\n# The state of a history. class_from: lowest number of purchase days of each frequency class. Within a "
        "class the\n"
        "# states are the periods since the period of the last purchase, 0 to recency_cells - 1, then the lapsed "
        "state.\n"
        "[recency_frequency]\n";
    text += fmt::format("recency_cells = {}\nclass_from = [{}]\n", chain.recency_frequency->recency_cells,
                        fmt::join(chain.recency_frequency->class_from, ", "));
  }
  if (chain.spend) append_spend(text, *chain.spend);
  append_covariates(text, chain);
  text +=
      "\n# The states. amount: cash flow of every period that begins in the state. Outcomes: to is the next state, "
      "amount the\n"
      "# cash flow of the outcome, purchase whether it is a transaction (with [spend] its amount is drawn).\n";
  if (has_heterogeneity(chain))
    text +=
        "# concentration: customers differ; each has a row of probabilities of its own here, drawn from the Dirichlet "
        "law\n"
        "# of concentration times these and given what it has done so far; row_of: the state whose row it has here, "
        "too.\n";
  for (const ChainState& state : chain.states) append_state(text, chain, state);
  append_segments(text, chain);
  append_levers(text, chain);
  return text;
}

void write_model(const MigrationChain& chain, const std::filesystem::path& path, bool overwrite) {
  const std::string text = model_toml(chain);
  OutputFile file(path, overwrite);
  file.write(text);
  file.commit();
}

MigrationChain parse_model(std::string_view text, const std::string& name) {
  return chain_of(TomlFile::parse(text, name));
}

MigrationChain read_model(const std::filesystem::path& path) { return chain_of(TomlFile(path)); }

}  // namespace clvsim
