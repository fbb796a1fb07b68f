// ltv-table: what the customers of a run bring, period by period.
#include "host/base/output_file.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/report.hpp"

#include <clvsim/ltv_table.hpp>

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <memory>
#include <optional>

namespace clvsim::cli {
namespace {

struct LtvTableCommand {
  std::string run, csv;
  bool overwrite = false;
};

std::string share_text(double share) { return std::isnan(share) ? "" : fmt::format("{:.4f}", share); }

std::string text_of(const std::vector<LtvRow>& rows, int decimals) {
  std::string text = fmt::format("{:>8}{:>16}{:>11}{:>16}{:>18}{:>18}{:>10}{:>18}{:>14}{:>18}{:>12}\n", "period",
                                 "customers", "retention", "transactions", "revenue", "profit", "factor", "NPV",
                                 "std. error", "cumulative NPV", "LTV");
  for (std::size_t t = 0; t < rows.size(); ++t) {
    const LtvRow& row = rows[t];
    text += fmt::format("{:>8}{:>16}{:>11}{:>16}{:>18}{:>18}{:>10.6f}{:>18}{:>14}{:>18}{:>12}\n", t + 1,
                        number_text(row.customers, 2), share_text(row.retention), number_text(row.transactions, 2),
                        number_text(row.revenue, decimals), number_text(row.profit.mean, decimals), row.factor,
                        number_text(row.npv.mean, decimals), number_text(row.npv.se, decimals),
                        number_text(row.cumulative, decimals), number_text(row.ltv, decimals));
  }
  return text;
}

std::string csv_of(const std::vector<LtvRow>& rows) {
  std::string text =
      "period,customers,retention,transactions,revenue,profit,profit_se,factor,npv,npv_se,cumulative_npv,ltv\r\n";
  for (std::size_t t = 0; t < rows.size(); ++t) {
    const LtvRow& row = rows[t];
    const std::string retention = std::isnan(row.retention) ? "" : fmt::format("{}", row.retention);
    text += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{}\r\n", t + 1, row.customers, retention, row.transactions,
                        row.revenue, row.profit.mean, row.profit.se, row.factor, row.npv.mean, row.npv.se,
                        row.cumulative, row.ltv);
  }
  return text;
}

Json json_of(const std::vector<LtvRow>& rows) {
  Json all = Json::array();
  for (const LtvRow& row : rows)
    all.push_back({{"customers", row.customers},
                   {"retention", std::isnan(row.retention) ? Json(nullptr) : Json(row.retention)},
                   {"transactions", row.transactions},
                   {"revenue", row.revenue},
                   {"profit", row.profit.mean},
                   {"profit_se", row.profit.se},
                   {"factor", row.factor},
                   {"npv", row.npv.mean},
                   {"npv_se", row.npv.se},
                   {"cumulative_npv", row.cumulative},
                   {"ltv", row.ltv}});
  return all;
}

void run_ltv_table(LtvTableCommand& command, Session& session) {
  check_distinct({command.run}, {command.csv});
  const RunReader run(command.run);
  const RunInfo& info = run.info();
  const std::vector<LtvRow> rows = ltv_table(info);
  if (!command.csv.empty()) {
    OutputFile csv(command.csv, command.overwrite);
    csv.write(csv_of(rows));
    csv.commit();
    write_log(session, command.csv, {{"run", command.run}});
  }
  if (session.json)
    return print_json("clvsim.ltv_table/1", {{"run", command.run},
                                             {"customers", info.n_customers},
                                             {"unit", name_of(info.unit)},
                                             {"measure", info.measure_name},
                                             {"currency", info.currency.code},
                                             {"rows", json_of(rows)}});
  fmt::print("{} of {} customers, by {}{}; LTV: cumulative NPV a customer of the run\n\n{}",
             info.measure_name == "clv" ? "CLV" : info.measure_name, info.n_customers, name_of(info.unit),
             info.currency.code.empty() ? "" : ", " + info.currency.code, text_of(rows, info.currency.decimals));
  if (info.measure_name != "clv") fmt::print("note: neither costs nor a margin are known: profit is revenue\n");
  if (!command.csv.empty()) fmt::print("\nwrote {}\n", command.csv);
}

}  // namespace

void add_ltv_table(CLI::App& program, Session& session) {
  auto command = std::make_shared<LtvTableCommand>();
  CLI::App* app = program.add_subcommand("ltv-table", "What the customers of a run bring, period by period");
  app->add_option("run", command->run, "run file")->type_name("RUN")->required();
  app->add_option("--csv", command->csv, "write the table as CSV, too")->type_name("FILE");
  app->add_flag("--force", command->overwrite, "replace an existing output");
  add_common(*app, session,
             "clvsim simulate --model configs/models/ltv_three_years.toml --customers 10000 --horizon 3 --discount 0.2 "
             "-o run.h5\n"
             "clvsim ltv-table run.h5 --csv table.csv");
  app->callback([command, &session] { run_ltv_table(*command, session); });
}

}  // namespace clvsim::cli
