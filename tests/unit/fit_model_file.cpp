// model.toml: what is written reads back as the same model; what is wrong is named.
#include "host/base/output_file.hpp"
#include "host/model/chain_segments.hpp"
#include "host/model/model_file.hpp"
#include "tests/support/fit_log.hpp"
#include "tests/support/places.hpp"

#include <clvsim/error.hpp>
#include <clvsim/migration_chain.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <random>

namespace clvsim {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

void expect_same(const std::vector<ChainState>& a, const std::vector<ChainState>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].name, b[i].name);
    EXPECT_EQ(a[i].active, b[i].active);
    EXPECT_EQ(a[i].amount, b[i].amount);
    EXPECT_EQ(a[i].concentration, b[i].concentration);
    EXPECT_EQ(a[i].row_of, b[i].row_of);
    ASSERT_EQ(a[i].outcomes.size(), b[i].outcomes.size());
    for (std::size_t k = 0; k < a[i].outcomes.size(); ++k) {
      const ChainOutcome &x = a[i].outcomes[k], &y = b[i].outcomes[k];
      EXPECT_EQ(std::tuple(x.to, x.probability, x.standard_error, x.count, x.amount, x.purchase),
                std::tuple(y.to, y.probability, y.standard_error, y.count, y.amount, y.purchase));
    }
  }
}

void expect_same(const MigrationChain& a, const MigrationChain& b) {
  EXPECT_EQ(a.unit, b.unit);
  EXPECT_EQ(a.currency.code, b.currency.code);
  EXPECT_EQ(a.currency.decimals, b.currency.decimals);
  EXPECT_EQ(a.measure, b.measure);
  EXPECT_EQ(a.margin, b.margin);
  EXPECT_EQ(a.start_state, b.start_state);
  EXPECT_EQ(a.fitted_from_digest, b.fitted_from_digest);
  EXPECT_EQ(a.n_customers, b.n_customers);
  EXPECT_EQ(a.n_customer_periods, b.n_customer_periods);
  ASSERT_EQ(a.recency_frequency.has_value(), b.recency_frequency.has_value());
  if (a.recency_frequency) {
    EXPECT_EQ(a.recency_frequency->recency_cells, b.recency_frequency->recency_cells);
    EXPECT_EQ(a.recency_frequency->class_from, b.recency_frequency->class_from);
  }
  ASSERT_EQ(a.spend.has_value(), b.spend.has_value());
  if (a.spend) {
    EXPECT_EQ(a.spend->log_mean, b.spend->log_mean);
    EXPECT_EQ(a.spend->between_sd, b.spend->between_sd);
    EXPECT_EQ(a.spend->within_sd, b.spend->within_sd);
    EXPECT_EQ(a.spend->smearing, b.spend->smearing);
    EXPECT_EQ(a.spend->zero_share, b.spend->zero_share);
    EXPECT_EQ(a.spend->purchases_in_period, b.spend->purchases_in_period);
    EXPECT_EQ(a.spend->refund_rate, b.spend->refund_rate);
    EXPECT_EQ(a.spend->refund_log_shift, b.spend->refund_log_shift);
    EXPECT_EQ(a.spend->refund_log_sd, b.spend->refund_log_sd);
  }
  expect_same(a.states, b.states);
  ASSERT_EQ(a.segments.size(), b.segments.size());
  for (std::size_t i = 0; i < a.segments.size(); ++i) {
    EXPECT_EQ(a.segments[i].name, b.segments[i].name);
    expect_same(a.segments[i].states, b.segments[i].states);
  }
}

// Segments with rows of their own in some states.
void add_segments(std::mt19937_64& random, MigrationChain& chain) {
  for (const char* name : {"web", "\"shop\", Zürich"}) {
    ChainSegment segment{name, chain.states};
    for (ChainState& state : segment.states) {
      const bool has_row_of_first = state.row_of == 0;
      if (has_row_of_first || &state == &segment.states.front() || random() % 2 == 0) continue;
      std::rotate(state.outcomes.begin(), state.outcomes.begin() + 1, state.outcomes.end());
      for (std::size_t k = 0; k < state.outcomes.size(); ++k) {
        ChainOutcome& outcome = state.outcomes[k];
        const ChainOutcome& here = chain.states[static_cast<std::size_t>(&state - segment.states.data())].outcomes[k];
        outcome.to = here.to;
        outcome.amount = here.amount;
        outcome.purchase = here.purchase;
      }
      state.concentration.reset();
      if (random() % 2 == 0) state.concentration = 7.25;
    }
    chain.segments.push_back(std::move(segment));
  }
}

// A chain with every feature, numbers of every size.
MigrationChain random_chain(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto uniform = [&] { return std::uniform_real_distribution<double>(0, 1)(random); };
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  MigrationChain chain;
  chain.unit = static_cast<PeriodUnit>(below(4));
  chain.currency = {below(2) ? "EUR" : "", below(7)};
  chain.measure = below(2) ? Measure::profit : Measure::revenue;
  if (below(2)) chain.margin = uniform() * 2 - 1;
  const int n_classes = 1 + below(4), cells = 1 + below(6), n_states = n_classes * (cells + 1);
  if (below(2)) {
    chain.recency_frequency = RecencyFrequency{cells, {}};
    for (int c = 0; c < n_classes; ++c) chain.recency_frequency->class_from.push_back(1 + 3 * c);
  }
  if (below(2)) {
    SpendModel spend;
    for (int c = 0; c < (chain.recency_frequency ? n_classes : 1); ++c) spend.log_mean.push_back(uniform() * 20 - 10);
    spend.between_sd = uniform();
    spend.within_sd = uniform() * 1e-7;
    spend.smearing = 0.5 + uniform();
    spend.zero_share = uniform();
    const double one = uniform();
    spend.purchases_in_period = {one, 1 - one};
    spend.refund_rate = uniform();
    spend.refund_log_shift = -uniform();
    spend.refund_log_sd = uniform();
    chain.spend = spend;
  }
  chain.start_state = below(n_states);
  if (below(2)) {
    chain.fitted_from_digest = "00ff";
    chain.n_customers = static_cast<std::int64_t>(random() >> 2);
    chain.n_customer_periods = below(1000);
  }
  for (int s = 0; s < n_states; ++s) {
    ChainState state;
    state.name = "state \"" + std::to_string(s) + "\" \\ of many, Zustände";
    state.active = below(2) != 0;
    state.amount = below(2) ? (uniform() - 0.5) * 1e6 : 0;
    double left = 1;
    const int n = 1 + below(16);
    for (int k = 0; k < n; ++k) {
      ChainOutcome outcome;
      outcome.to = below(n_states);
      outcome.probability = k + 1 < n ? left * uniform() : left;
      left -= outcome.probability;
      if (below(2)) outcome.standard_error = uniform() * 1e-9;
      if (below(2)) outcome.count = static_cast<double>(below(1 << 30));
      if (below(2)) outcome.amount = -uniform() / 3;
      outcome.purchase = below(2) != 0;
      state.outcomes.push_back(outcome);
    }
    if (below(2)) state.concentration = std::exp(10 * uniform() - 5);
    const bool shares = s > 0 && chain.states.front().concentration && below(2);
    if (shares) {  // the row of the first state
      state.concentration = chain.states.front().concentration;
      state.outcomes = chain.states.front().outcomes;
      state.row_of = 0;
    }
    chain.states.push_back(state);
  }
  if (below(2)) add_segments(random, chain);
  return chain;
}

TEST(ModelFile, ReadsBackAsTheSameModel) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const MigrationChain chain = random_chain(seed);
    const std::string text = model_toml(chain);
    const MigrationChain again = parse_model(text, "m.toml");
    expect_same(chain, again);
    EXPECT_EQ(model_toml(again), text);
    if (HasFailure()) FAIL() << "seed " << seed << "\n" << text;
  }
}

TEST(ModelFile, RowsOfCustomersThatDifferAreChecked) {
  MigrationChain chain = read_model(test::source_dir() + "/configs/models/lifecycle_differing.toml");
  EXPECT_TRUE(has_heterogeneity(chain));
  const auto faulty = [&](const auto& spoil) {
    MigrationChain spoilt = chain;
    spoil(spoilt.states);
    EXPECT_THROW(check(spoilt), ConfigError);
  };
  using States = std::vector<ChainState>;
  for (const double wrong : {0.0, -1.0, 1e-7, 2e9, std::nan("")})
    faulty([&](States& states) { states[0].concentration = wrong; });
  faulty([](States& states) { states[1].row_of = 1; });
  faulty([](States& states) { states[1].row_of = 9; });
  faulty([](States& states) { states[1].row_of = -2; });
  faulty([](States& states) { states[1].row_of = 2; });
  faulty([](States& states) {  // the row of a state that has another's
    for (const std::size_t s : {1U, 2U}) states[s].outcomes = states[0].outcomes;
    states[1].row_of = 0;
    states[2].row_of = 1;
  });
  chain.states[1].outcomes = chain.states[0].outcomes;
  chain.states[1].row_of = 0;
  EXPECT_NO_THROW(check(chain));
}

TEST(ModelFile, SegmentsDifferFromTheChainInProbabilitiesAlone) {
  const MigrationChain chain = read_model(test::source_dir() + "/configs/models/segments.toml");
  EXPECT_TRUE(has_heterogeneity(chain));
  ASSERT_EQ(chain.segments.size(), 2U);
  const auto fault = [&](const auto& spoil) -> std::string {
    MigrationChain spoilt = chain;
    spoil(spoilt.segments);
    try {
      check(spoilt);
    } catch (const ConfigError& e) {
      return e.what();
    }
    return "";
  };
  using Segments = std::vector<ChainSegment>;
  const char *same = "in segment no. 2 ('web') of the model differs from the model's states", *first = "segment no. 1";
  EXPECT_EQ(fault([](Segments&) {}), "");
  EXPECT_THAT(fault([](Segments& s) { s[1].states[0].amount = 1; }), HasSubstr(same));
  EXPECT_THAT(fault([](Segments& s) { s[1].states[0].active = !s[1].states[0].active; }), HasSubstr(same));
  EXPECT_THAT(fault([](Segments& s) { s[1].states[0].name = "other"; }), HasSubstr(same));
  EXPECT_THAT(fault([](Segments& s) { s[1].states[0].outcomes[0].to = 2; }), HasSubstr(same));
  EXPECT_THAT(fault([](Segments& s) { s[1].states[0].outcomes[0].purchase = false; }), HasSubstr(same));
  EXPECT_THAT(fault([](Segments& s) { s[1].states.pop_back(); }), HasSubstr(same));
  EXPECT_THAT(fault([](Segments& s) { s[0].states[1].outcomes[0].probability += 0.1; }),
              AllOf(HasSubstr(first), HasSubstr("probabilities that sum to")));
  EXPECT_THAT(fault([](Segments& s) { s[0].states[1].concentration = -1; }),
              AllOf(HasSubstr(first), HasSubstr("'concentration' is -1")));
  EXPECT_THAT(fault([](Segments& s) { s[0].states[1].row_of = 0; }), AllOf(HasSubstr(first), HasSubstr("'row_of'")));
  EXPECT_THAT(fault([](Segments& s) { s[1].name = s[0].name; }), HasSubstr("an earlier segment"));
  EXPECT_THAT(fault([](Segments& s) { s[0].name.clear(); }), HasSubstr("is empty"));
  EXPECT_THAT(fault([](Segments& s) {
                for (int i = 0; i < 70; ++i) s.push_back({"s" + std::to_string(i), s[0].states});
              }),
              HasSubstr("at most 64 segments"));
}

TEST(ModelFile, ASegmentsChainIsThatOfItsStates) {
  const MigrationChain chain = read_model(test::source_dir() + "/configs/models/segments.toml");
  const MigrationChain web = chain_of(chain, "web"), other = chain_of(chain, "nobody's");
  EXPECT_TRUE(web.segments.empty() && other.segments.empty());
  expect_same(web.states, chain.segments[1].states);
  expect_same(other.states, chain.states);
}

TEST(ModelFile, IsWrittenWholeAndReadFromAFile) {
  const fs::path path = fs::temp_directory_path() / ("clvsim_fit_model_" + std::to_string(::getpid()) + ".toml");
  const MigrationChain chain = random_chain(3);
  write_model(chain, path, true);
  expect_same(chain, read_model(path));
  EXPECT_THROW(write_model(chain, path, false), IoError);
  MigrationChain broken = chain;
  broken.states[0].outcomes[0].probability = 2;
  EXPECT_THROW(write_model(broken, path, true), ConfigError);
  expect_same(chain, read_model(path));
  fs::remove(path);
  EXPECT_THROW((void)read_model(path), IoError);
}

TEST(Check, NamesTheStateOfAModelWithoutAFile) {
  MigrationChain chain = read_model(test::source_dir() + "/configs/models/lifecycle_a_e.toml");
  chain.states[2].outcomes[0].to = 9;
  try {
    check(chain);
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(),
                HasSubstr("state no. 3 ('C climax') of the model no. 1 has the next state number 9 of 5"));
  }
}

MigrationChain placing_chain(const RecencyFrequency& cells) {
  MigrationChain chain;
  chain.recency_frequency = cells;
  return chain;
}

TEST(StateOf, ClassByPurchaseDaysAndCellByPeriodsSince) {
  const MigrationChain chain = placing_chain({3, {1, 2, 5}});
  const Date end = make_date(2024, 3, 31);
  const std::int32_t e = end.days;
  const auto day = [](int month, int d) { return make_date(2024, month, d).days; };
  const CustomerBatch batch = test::batch_of(
      {
          {{e, 100}},                                                        // 1 day, this month
          {{day(2, 29), 100}},                                               // last day of the month before
          {{day(1, 31), 100}},                                               //
          {{day(1, 1), 100}, {day(1, 1), 200}},                              // the same day twice is one purchase day
          {{make_date(2023, 12, 31).days, 100}},                             // 3 months: lapsed
          {{make_date(2001, 1, 1).days, 100}},                               // long lapsed
          {{day(1, 1), 100}, {day(3, 1), 100}},                              // 2 days
          {{day(1, 1), 1}, {day(1, 2), 1}, {day(1, 3), 1}, {day(1, 4), 1}},  // 4 days
          {{day(1, 1), 1}, {day(1, 2), 1}, {day(1, 3), 1}, {day(1, 4), 1}, {day(1, 5), 0}},  // 5 days, one of amount 0
          {{day(3, 30), -100}},                                                              // a refund alone
          {{day(1, 1), 100}, {day(3, 30), -100}},  // a refund does not make it recent
      },
      end);
  const PeriodGrid grid(end, PeriodUnit::month);
  const std::vector<int> expected{0, 1, 2, 2, 3, 3, 4, 6, 10, 3, 2};
  for (std::size_t i = 0; i < batch.size(); ++i) EXPECT_EQ(chain.state_of(batch, i, grid), expected[i]) << i;
}

TEST(StateOf, RefusesAModelThatPlacesNobody) {
  const CustomerBatch batch = test::batch_of({{{0, 1}}}, Date{1});
  EXPECT_THROW((void)MigrationChain{}.state_of(batch, 0, PeriodGrid(Date{1}, PeriodUnit::day)), ConfigError);
}

}  // namespace
}  // namespace clvsim
