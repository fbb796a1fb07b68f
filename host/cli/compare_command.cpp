// compare: what scenarios change, on common random numbers.
#include "host/base/output_file.hpp"
#include "host/base/text.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/report.hpp"

#include <clvsim/compare.hpp>
#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <iterator>
#include <memory>
#include <optional>

namespace clvsim::cli {
namespace {

struct CompareCommand {
  std::string base, csv;
  std::vector<std::string> others;
  bool overwrite = false;
};

double ratio(const PairedDifference& of) { return of.independent_se / of.se; }

Json to_json(const PairedDifference& of) {
  return {{"base", of.base},
          {"other", of.other},
          {"difference", of.difference},
          {"se", of.se},
          {"independent_se", of.independent_se},
          {"independent_over_paired_se", of.se > 0 ? Json(ratio(of)) : Json(nullptr)},
          {"p_better", of.p_better},
          {"p_better_se", of.p_better_se}};
}

Json to_json(const RunComparison& comparison, const std::string& other) {
  Json measures = Json::array(), segments = Json::array();
  for (const auto& measure : comparison.measures)
    measures.push_back({{"name", measure.name},
                        {"base", measure.base},
                        {"other", measure.other},
                        {"difference", measure.other - measure.base}});
  for (const SegmentDifference& segment : comparison.segments)
    if (segment.n_customers > 0)
      segments.push_back(
          {{"name", segment.name}, {"customers", segment.n_customers}, {"value", to_json(segment.value)}});
  return {{"run", other},
          {"total", to_json(comparison.total)},
          {"distribution", std::move(measures)},
          {"paired_customers", comparison.has_paths},
          {"segments", std::move(segments)}};
}

std::string row_of(const std::string& name, const PairedDifference& of, int decimals) {
  return fmt::format("{:<26}{:>18}{:>18}{:>18}{:>14}{:>8}{:>10}\n", name, number_text(of.base, decimals),
                     number_text(of.other, decimals), number_text(of.difference, decimals),
                     number_text(of.se, decimals), of.se > 0 ? fmt::format("{:.1f}", ratio(of)) : "",
                     fmt::format("{:.4f}", of.p_better));
}

std::string text_of(const RunComparison& comparison, const RunInfo& base, const std::string& other) {
  const int decimals = base.currency.decimals;
  std::string text = fmt::format("\n{:<26}{:>18}{:>18}{:>18}{:>14}{:>8}{:>10}\n", other, "base", "other", "difference",
                                 "std. error", "ratio", "P(more)");
  text += row_of("all customers", comparison.total, decimals);
  for (const SegmentDifference& segment : comparison.segments)
    if (segment.n_customers > 0)
      text += row_of(segment.name.empty() ? "(no segment)" : segment.name, segment.value, decimals);
  for (const auto& measure : comparison.measures)
    text += fmt::format("{:<26}{:>18}{:>18}{:>18}\n", measure.name, number_text(measure.base, decimals),
                        number_text(measure.other, decimals), number_text(measure.other - measure.base, decimals));
  return text;
}

void append_row(std::string& text, const std::string& run, const CustomerDifference& of, const RunInfo& base) {
  append_csv_text(text, of.key);
  text += ',';
  if (!base.segments.empty()) append_csv_text(text, base.segments[of.segment].name);
  text += ',';
  append_csv_text(text, run);
  const auto out = std::back_inserter(text);
  fmt::format_to(out, ",{},{},{},{},", of.value.base, of.value.other, of.value.difference, of.value.se);
  if (!std::isnan(of.value.p_better)) fmt::format_to(out, "{}", of.value.p_better);
  text += "\r\n";
}

void run_compare(CompareCommand& command, Session& session) {
  std::vector<std::filesystem::path> inputs{command.base};
  inputs.insert(inputs.end(), command.others.begin(), command.others.end());
  check_distinct(inputs, {command.csv});
  std::optional<OutputFile> csv;
  if (!command.csv.empty()) csv.emplace(command.csv, command.overwrite);
  const RunReader base(command.base);
  constexpr std::size_t text_bytes = std::size_t{1} << 18;
  std::string rows = "key,segment,run,base,other,difference,se,p_better\r\n";
  Json comparisons = Json::array();
  std::string text =
      fmt::format("discounted {} of {} customers, {} paths on the same random numbers{}\n", base.info().measure_name,
                  with_separators(base.info().n_customers), with_separators(base.info().options.n_paths),
                  base.info().currency.code.empty() ? "" : ", " + base.info().currency.code);
  bool has_paths = true, same_margin = true, same_levels = true;
  for (const std::string& name : command.others) {
    const RunReader other(name);
    CustomerDifferenceSink sink;
    if (csv) {
      sink = [&](const CustomerDifference& customer) {
        append_row(rows, name, customer, base.info());
        if (rows.size() < text_bytes) return;
        csv->write(rows);
        rows.clear();
      };
    }
    const RunComparison comparison = compare_runs(base, other, sink);
    has_paths = has_paths && comparison.has_paths;
    const SimulationOptions &a = base.info().options, &b = other.info().options;
    same_margin = same_margin && a.margin == b.margin;
    same_levels = same_levels && a.quantiles == b.quantiles && a.cvar_level == b.cvar_level;
    comparisons.push_back(to_json(comparison, name));
    text += text_of(comparison, base.info(), name);
  }
  if (csv) {
    csv->write(rows);
    csv->commit();
    write_log(session, command.csv, {{"base", command.base}, {"others", command.others}});
  }
  std::vector<std::string> notes;
  if (base.info().sampler.find("ordered") == std::string::npos)
    notes.emplace_back(
        "the runs do not draw steps in the order of the states; with simulate --sampler ordered, where the model has "
        "it, "
        "a lever lowers no path that it should raise, where the states ascend");
  if (!same_margin) notes.emplace_back("the runs have different margins, which is part of their difference");
  if (!same_levels)
    notes.emplace_back("quantiles or CVaR of different levels (--quantiles, --cvar-level) are not compared");
  if (!has_paths)
    notes.emplace_back(
        "without kept paths (simulate --keep-paths) segments are not compared, and a customer's error is that of "
        "independent runs");
  if (session.json) {
    return print_json("clvsim.compare/1", {{"base", command.base},
                                           {"measure", base.info().measure_name},
                                           {"currency", base.info().currency.code},
                                           {"customers", base.info().n_customers},
                                           {"paths", base.info().options.n_paths},
                                           {"comparisons", std::move(comparisons)},
                                           {"notes", notes}});
  }
  fmt::print("{}", text);
  fmt::print("\nratio: error of independent runs over the error of these, which share their random numbers\n");
  for (const std::string& note : notes) fmt::print("note: {}\n", note);
  if (csv) fmt::print("\nwrote {}\n", command.csv);
}

}  // namespace

void add_compare(CLI::App& program, Session& session) {
  auto command = std::make_shared<CompareCommand>();
  CLI::App* app = program.add_subcommand("compare", "Compare runs of scenarios with a base run");
  app->add_option("base", command->base, "run file of the base")->type_name("RUN")->required();
  app->add_option("others", command->others, "run files of the scenarios, with the same settings")
      ->type_name("RUN...")
      ->required();
  app->add_option("--csv", command->csv, "write a row a customer and scenario")->type_name("FILE");
  app->add_flag("--force", command->overwrite, "replace an existing output");
  add_common(*app, session,
             "clvsim compare base.h5 fewer_lost.h5\n"
             "clvsim compare base.h5 fewer_lost.h5 dearer.h5 --csv differences.csv");
  app->callback([command, &session] { run_compare(*command, session); });
}

}  // namespace clvsim::cli
