// Files of every kind of model: what is written reads back, what is wrong is named; draws of the parameters.
#include "host/base/output_file.hpp"
#include "host/model/model_file.hpp"
#include "tests/support/places.hpp"

#include <clvsim/behaviour_model.hpp>
#include <clvsim/error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

namespace clvsim {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::vector<fs::path> files_in(const std::string& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(test::source_dir() + "/configs/" + folder))
    files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

std::string toml_of(const AnyModel& model) {
  return std::visit([](const auto& one) { return model_toml(one); }, model);
}

TEST(AnyModelFile, EveryShippedModelIsValid) {
  const auto files = files_in("models");
  ASSERT_GE(files.size(), 8U);
  int behaviours = 0;
  for (const fs::path& file : files) {
    const AnyModel model = read_any_model(file);
    behaviours += std::holds_alternative<BehaviourModel>(model) ? 1 : 0;
    EXPECT_EQ(toml_of(parse_any_model(toml_of(model), "again")), toml_of(model)) << file;
  }
  EXPECT_GE(behaviours, 3);
}

// The first line of each file says the exit code and the words to expect.
TEST(AnyModelFile, EveryInvalidModelIsRefusedWithItsMessage) {
  const auto files = files_in("invalid/models");
  ASSERT_GE(files.size(), 20U);
  for (const fs::path& file : files) {
    const std::string text = read_text(file);
    const std::string first = text.substr(0, text.find('\n'));
    ASSERT_EQ(first.rfind("# expect ", 0), 0U) << file;
    try {
      (void)read_any_model(file);
      ADD_FAILURE() << file << " was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(std::to_string(static_cast<int>(error.exit_code())), first.substr(9, 1)) << file;
      EXPECT_THAT(error.what(), HasSubstr(first.substr(12))) << file;
      EXPECT_THAT(error.what(), HasSubstr(file.filename().string() + ":")) << file;
    }
  }
}

BehaviourModel fitted(const std::string& name, std::vector<double> parameters, int k = 1) {
  BehaviourModel model;
  model.model = name;
  model.k = k;
  model.unit = PeriodUnit::week;
  model.currency = {"EUR", 3};
  model.margin = -0.25;
  model.parameters = std::move(parameters);
  const std::size_t n = model.parameters.size();
  model.fit = FitRecord{-9594.976, 19197.952, 19221.01, 3e-9, 812.5, std::vector<double>(n * n, 0.001)};
  for (std::size_t i = 0; i < n; ++i) model.fit->log_covariance[i * n + i] = 0.01 + 0.001 * static_cast<double>(i);
  model.spend = PurchaseSpend{{6.25, 3.74, 15.44}, 0.02, 0.1, 0.7, {0.04, 0.01, 0, 0.01, 0.02, 0, 0, 0, 0.03}};
  model.fitted_from_digest = "00112233445566778899aabbccddeeff";
  model.n_customers = 2357;
  return model;
}

void expect_same(const BehaviourModel& a, const BehaviourModel& b) {
  EXPECT_EQ(a.model, b.model);
  EXPECT_EQ(a.k, b.k);
  EXPECT_EQ(a.unit, b.unit);
  EXPECT_EQ(a.currency.code, b.currency.code);
  EXPECT_EQ(a.currency.decimals, b.currency.decimals);
  EXPECT_EQ(a.margin, b.margin);
  EXPECT_EQ(a.parameters, b.parameters);
  EXPECT_EQ(a.fitted_from_digest, b.fitted_from_digest);
  EXPECT_EQ(a.n_customers, b.n_customers);
  ASSERT_EQ(a.fit.has_value(), b.fit.has_value());
  if (a.fit) {
    EXPECT_EQ(a.fit->log_likelihood, b.fit->log_likelihood);
    EXPECT_EQ(a.fit->aic, b.fit->aic);
    EXPECT_EQ(a.fit->bic, b.fit->bic);
    EXPECT_EQ(a.fit->gradient_norm, b.fit->gradient_norm);
    EXPECT_EQ(a.fit->condition, b.fit->condition);
    EXPECT_EQ(a.fit->log_covariance, b.fit->log_covariance);
    EXPECT_EQ(a.fit->draws, b.fit->draws);
  }
  ASSERT_EQ(a.spend.has_value(), b.spend.has_value());
  if (!a.spend) return;
  EXPECT_EQ(a.spend->law.p, b.spend->law.p);
  EXPECT_EQ(a.spend->law.q, b.spend->law.q);
  EXPECT_EQ(a.spend->law.gamma, b.spend->law.gamma);
  EXPECT_EQ(a.spend->zero_share, b.spend->zero_share);
  EXPECT_EQ(a.spend->refund_rate, b.spend->refund_rate);
  EXPECT_EQ(a.spend->refund_ratio, b.spend->refund_ratio);
  EXPECT_EQ(a.spend->log_covariance, b.spend->log_covariance);
}

BehaviourModel again(const BehaviourModel& model) {
  return std::get<BehaviourModel>(parse_any_model(model_toml(model), "again"));
}

TEST(BehaviourFile, ReadsBackAsTheSameModel) {
  const std::vector<BehaviourModel> models{
      fitted("pareto_nbd", {0.553, 10.578, 1.0 / 3, 11.67}), fitted("bg_nbd", {0.243, 4.41, 0.793, 2.43}),
      fitted("mbg_nbd", {0.525, 6.18, 0.891, 1.61}),         fitted("bg_cnbd_k", {0.9, 2.1, 0.6, 2.2}, 3),
      fitted("mbg_cnbd_k", {0.9, 2.1, 0.6, 2.2}, 2),         fitted("bg_bb", {1.204, 0.75, 0.657, 2.783})};
  for (BehaviourModel model : models) {
    expect_same(again(model), model);
    model.spend.reset();
    model.margin.reset();
    expect_same(again(model), model);
    model.fit.reset();
    model.fitted_from_digest.clear();
    model.n_customers = 0;
    expect_same(again(model), model);
  }
}

BehaviourModel of_contracts() {
  BehaviourModel model;
  model.model = "bdw";
  model.unit = PeriodUnit::month;
  model.currency = {"EUR", 2};
  model.charge = 64.7617;
  model.parameters = {0.26, 1.7, 1.58};
  model.fit = FitRecord{-10, 26, 30, 1e-7, 20, std::vector<double>(9, 0.1)};
  model.segments.push_back({"Two \"years\"", "discrete_weibull", 1695, {108.4, 6.9}, {}});
  model.segments.push_back({"", "bdw", 0, {1, 2, 3}, model.fit});
  return model;
}

TEST(BehaviourFile, ReadsContractsBackAsTheSameModel) {
  const BehaviourModel model = of_contracts(), read = again(model);
  expect_same(read, model);
  EXPECT_EQ(read.charge, model.charge);
  ASSERT_EQ(read.segments.size(), 2u);
  for (std::size_t s = 0; s < 2; ++s) {
    const ModelSegment &a = read.segments[s], &b = model.segments[s];
    EXPECT_EQ(a.name, b.name);
    EXPECT_EQ(a.model, b.model);
    EXPECT_EQ(a.n_customers, b.n_customers);
    EXPECT_EQ(a.parameters, b.parameters);
    ASSERT_EQ(a.fit.has_value(), b.fit.has_value());
    if (a.fit) {
      EXPECT_EQ(a.fit->log_covariance, b.fit->log_covariance);
    }
  }
  EXPECT_EQ(model_toml(read), model_toml(model));
}

std::string refusal(const BehaviourModel& model) {
  try {
    check(model);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(BehaviourFile, NamesWhatIsWrong) {
  const BehaviourModel good = fitted("pareto_nbd", {0.553, 10.578, 0.606, 11.67});
  EXPECT_EQ(refusal(good), "accepted");
  const auto with = [&](auto&& spoil) {
    BehaviourModel model = good;
    spoil(model);
    return refusal(model);
  };
  EXPECT_THAT(with([](BehaviourModel& m) { m.parameters[2] = 0; }), HasSubstr("[parameters] s is 0: must be above 0"));
  EXPECT_THAT(with([](BehaviourModel& m) { m.parameters.pop_back(); }), HasSubstr("has 4: r, alpha, s, beta"));
  EXPECT_THAT(with([](BehaviourModel& m) { m.fit->log_covariance.pop_back(); }), HasSubstr("4 parameters have 16"));
  EXPECT_THAT(with([](BehaviourModel& m) { m.spend->log_covariance.pop_back(); }),
              HasSubstr("three parameters have 9"));
  EXPECT_THAT(with([](BehaviourModel& m) { m.spend->law.q = 1; }),
              HasSubstr("the mean spend of a new customer is infinite"));
  EXPECT_THAT(with([](BehaviourModel& m) { m.spend->zero_share = 1; }), HasSubstr("[spend] zero_share is 1"));
  EXPECT_THAT(with([](BehaviourModel& m) { m.spend->refund_rate = 1.5; }), HasSubstr("[spend] refund_rate is 1.5"));
  EXPECT_THAT(with([](BehaviourModel& m) { m.spend->refund_ratio = 0; }), HasSubstr("[spend] refund_ratio is 0"));
  EXPECT_THAT(with([](BehaviourModel& m) { m.margin = 1.5; }), HasSubstr("margin is 1.5"));
  EXPECT_THAT(with([](BehaviourModel& m) { m.model = "pareto"; }), HasSubstr("pareto"));
}

TEST(BehaviourFile, NamesWhatIsWrongWithContracts) {
  EXPECT_EQ(refusal(of_contracts()), "accepted");
  const auto with = [&](auto&& spoil) {
    BehaviourModel model = of_contracts();
    spoil(model);
    return refusal(model);
  };
  EXPECT_THAT(with([](BehaviourModel& m) { m.charge = -1; }), HasSubstr("charge is -1"));
  EXPECT_THAT(with([](BehaviourModel& m) { m.segments[0].parameters[1] = 0; }),
              HasSubstr("[segment.parameters] c is 0: must be above 0"));
  EXPECT_THAT(with([](BehaviourModel& m) {
                m.segments[0].model = "sbg";
                m.segments[0].parameters.push_back(1);
              }),
              HasSubstr("sbg has 2: alpha, beta"));
  EXPECT_THAT(with([](BehaviourModel& m) { m.segments[1].name = m.segments[0].name; }), HasSubstr("stands twice"));
  EXPECT_THAT(with([](BehaviourModel& m) { m.spend = PurchaseSpend{{6, 4, 15}}; }), HasSubstr("no [spend]"));
  EXPECT_THAT(with([](BehaviourModel& m) { m.segments.resize(257, m.segments[0]); }), HasSubstr("257 segments"));
  BehaviourModel purchases = fitted("pareto_nbd", {0.553, 10.578, 0.606, 11.67});
  purchases.charge = 1;
  EXPECT_THAT(refusal(purchases), HasSubstr("no charge"));
}

TEST(ParameterDraws, AreOfEverySegment) {
  BehaviourModel model = of_contracts();
  EXPECT_THROW((void)draw_parameters(model, 2, 1), ConfigError);  // a covariance that is none
  const auto covariance = [](std::size_t n) {
    std::vector<double> all(n * n, 0.002);
    for (std::size_t i = 0; i < n; ++i) all[i * n + i] = 0.01;
    return all;
  };
  model.fit->log_covariance = covariance(3);
  model.segments[1].fit->log_covariance = covariance(3);
  EXPECT_THROW((void)draw_parameters(model, 2, 1), ConfigError);  // a segment without one
  model.segments[0].fit = FitRecord{};
  model.segments[0].fit->log_covariance = covariance(2);
  const auto few = draw_parameters(model, 2, 1), more = draw_parameters(model, 5, 1);
  ASSERT_EQ(few[1].segments.size(), 2u);
  EXPECT_EQ(few[1].segments, more[1].segments);
  EXPECT_EQ(few[0].segments[0].size(), 2u);
  EXPECT_NE(few[0].segments[1][0] / 1, few[0].parameters[0] / 0.26);
}

TEST(BehaviourFile, LogNormalSpendReadsBack) {
  BehaviourModel model = fitted("mbg_nbd", {0.5, 6, 0.9, 1.6});
  model.spend->kind = SpendLaw::log_normal;
  model.spend->log_normal = {27.25, 0.46, 0.58};
  model.spend->smearing = 1.02;
  const auto again = std::get<BehaviourModel>(parse_any_model(model_toml(model), "model.toml"));
  EXPECT_EQ(again.spend->kind, SpendLaw::log_normal);
  EXPECT_EQ(again.spend->parameters(), (std::vector<double>{27.25, 0.46, 0.58}));
  EXPECT_EQ(again.spend->smearing, 1.02);
  EXPECT_EQ(model_toml(again), model_toml(model));
  const auto draws = draw_parameters(again, 2, 1);
  EXPECT_NE(draws[0].log_normal.median, draws[1].log_normal.median);
  EXPECT_GT(draws[0].log_normal.within_sd, 0);
  model.spend->log_normal.within_sd = 0;
  EXPECT_THAT([&] { check(model); }, testing::ThrowsMessage<ConfigError>(HasSubstr("[spend] within_sd is 0")));
}

// Draws 0 to 4 of every part, all different.
BehaviourModel with_draws(BehaviourModel model) {
  const auto rows = [](std::size_t width, double from) {
    std::vector<double> all;
    for (std::size_t i = 0; i < 5 * width; ++i) all.push_back(from + 0.25 * static_cast<double>(i));
    return all;
  };
  model.fit->draws = rows(model.parameters.size(), 0.1);
  if (model.spend) model.spend->draws = rows(3, 2);
  return model;
}

TEST(ParameterDraws, AreThoseOfTheFile) {
  const BehaviourModel model = with_draws(fitted("pareto_nbd", {0.553, 10.578, 0.606, 11.67}));
  const auto again = std::get<BehaviourModel>(parse_any_model(model_toml(model), "model.toml"));
  expect_same(model, again);
  EXPECT_EQ(again.spend->draws, model.spend->draws);
  EXPECT_EQ(model_toml(again), model_toml(model));
  const auto draws = draw_parameters(again, 3, 1);
  ASSERT_EQ(draws.size(), 3U);
  EXPECT_EQ(draws[2].parameters, (std::vector<double>{2.1, 2.35, 2.6, 2.85}));
  EXPECT_EQ(draws[1].law.q, 3);
  EXPECT_EQ(draw_parameters(again, 3, 2)[2].parameters, draws[2].parameters);
  EXPECT_EQ(draw_parameters(again, 5, 2).size(), 5U);
  try {
    (void)draw_parameters(again, 6, 1);
    ADD_FAILURE() << "more draws than there are";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("has 5 draws of its parameters ([fit] draws), not 6"));
    EXPECT_THAT(error.what(), HasSubstr("--uncertainty bootstrap --draws 6"));
  }
}

TEST(ParameterDraws, OfTheFileAreChecked) {
  const auto with = [](const auto& spoil) -> std::string {
    BehaviourModel model = with_draws(fitted("pareto_nbd", {0.553, 10.578, 0.606, 11.67}));
    spoil(model);
    try {
      check(model);
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(with([](BehaviourModel&) {}), "accepted");
  EXPECT_THAT(with([](BehaviourModel& m) { m.fit->draws.pop_back(); }), HasSubstr("[fit] draws has 19 numbers"));
  EXPECT_THAT(with([](BehaviourModel& m) { m.fit->draws[7] = 0; }), HasSubstr("[fit] draws has 0 in draw 1"));
  EXPECT_THAT(with([](BehaviourModel& m) { m.spend->draws.clear(); }),
              HasSubstr("[spend] draws has 0 numbers; 5 draws of 3 parameters have 15"));
  EXPECT_THAT(with([](BehaviourModel& m) { m.spend->draws[4] = 1; }), HasSubstr("[spend] draws has q = 1 in draw 1"));
  EXPECT_THAT(with([](BehaviourModel& m) { m.fit->draws.clear(); }), HasSubstr("[spend] draws has 15 numbers"));
}

TEST(ParameterDraws, AreRefusedWhereTheyMeanNothing) {
  BehaviourModel model = fitted("pareto_nbd", {0.553, 10.578, 0.606, 11.67});
  EXPECT_EQ(draw_parameters(model, 3, 1).size(), 3U);
  model.spend->law.q = 1.2;
  model.spend->log_covariance[4] = 1;  // a third of the draws of q are below 1
  EXPECT_THROW((void)draw_parameters(model, 50, 1), ModelError);
  model.spend->log_covariance[4] = -1;
  EXPECT_THROW((void)draw_parameters(model, 1, 1), ConfigError);
  model.spend->log_covariance.clear();
  EXPECT_THROW((void)draw_parameters(model, 1, 1), ConfigError);
}

}  // namespace
}  // namespace clvsim
