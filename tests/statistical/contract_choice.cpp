// The choice between models of contracts: it finds the model that drew a book, by what followed a cut.
#include "host/fit/contract_choice.hpp"
#include "tests/support/statistical.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace clvsim {
namespace {

using testing::HasSubstr;

// Contracts that began up to `oldest` periods ago: S(t | theta) = (1 - theta)^(t^c), theta ~ Beta(alpha, beta).
ContractBook drawn_book(int n, double alpha, double beta, double c, int oldest, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto gamma = [&](double shape) { return std::gamma_distribution<>(shape)(random); };
  ContractBook book;
  for (int i = 0; i < n; ++i) {
    const int age = 1 + static_cast<int>(random() % static_cast<std::uint64_t>(oldest));
    const double leaves = gamma(alpha), hazard = std::log1p(leaves / gamma(beta));
    int t = 0;
    bool churned = false;
    while (t < age && !churned) {
      ++t;
      churned = std::exponential_distribution<>(1)(random) < hazard * (std::pow(t, c) - std::pow(t - 1, c));
    }
    book.add({t, churned, 0, 0}, static_cast<std::uint64_t>(i));
  }
  return book;
}

// What is known at a cut and what followed make the whole likelihood, whatever the parameters.
TEST(ContractChoice, CutBooksHaveTheLikelihoodOfTheWhole) {
  const ContractBook book = drawn_book(2000, 0.7, 4, 1.3, 30, 1);
  for (const std::int32_t renewals : {1, 4, 11, 29, 30}) {
    const CutBook cut = cut_book(book, renewals);
    EXPECT_EQ(cut.known.tenures.size(), book.tenures.size());
    EXPECT_EQ(cut.later.empty(), renewals == 30);
    EXPECT_EQ(cut.known.n_churned + cut.n_later_churned, book.n_churned);
    for (const Tenure& tenure : cut.known.tenures) EXPECT_LE(tenure.renewals, renewals);
    const auto law = make_contract_model("bdw");
    const std::vector<double> p{0.9, 5, 0.8};
    const double whole = law->log_likelihood(p, book.tenures, {});
    EXPECT_NEAR(law->log_likelihood(p, cut.known.tenures, {}) + law->log_likelihood(p, cut.later, {}), whole,
                1e-11 * std::abs(whole));
  }
}

TEST(ContractChoice, FindsTheModelThatDrewTheBook) {
  struct Case {
    const char* model;
    double alpha, beta, c;
    int n_contracts;
  };
  for (const Case& drawn : {Case{"sbg", 0.7, 4, 1, 8000}, Case{"sbg", 1.1, 15, 1, 8000},
                            Case{"bdw", 0.26, 1.72, 1.58, 8000}, Case{"bdw", 1.1, 5.2, 0.55, 20000}}) {
    constexpr int n_books = 10;
    int right = 0;
    for (int seed = 1; seed <= n_books; ++seed) {
      const ContractBook book =
          drawn_book(drawn.n_contracts, drawn.alpha, drawn.beta, drawn.c, 48, static_cast<std::uint64_t>(seed));
      ContractSelection selection;
      const ContractFit fit = choose_contract_model(book, {}, selection);
      ASSERT_GT(selection.renewals, 0) << selection.rule;
      EXPECT_EQ(fit.model, selection.models[selection.chosen].model);
      right += selection.models[selection.chosen].model == drawn.model;
    }
    // Two standard errors are exceeded by chance in 2.3 % of the books at most, in more than one of ten in 2 %.
    EXPECT_GE(right, n_books - 1) << drawn.model << " c " << drawn.c;
  }
}

// The better score, but the simpler model where the other's is not better by two standard errors; of models of as many
// parameters none is simpler.
TEST(ContractChoice, PrefersTheSimplerModelWithinTwoStandardErrors) {
  const auto chosen = [](int n_sbg, int n_bdw, double excess, double se) {
    ContractSelection selection;
    selection.models = {{"sbg", "", n_sbg, 0, 0}, {"bdw", "", n_bdw, 0, 0}};
    selection.excess = excess;
    selection.excess_se = se;
    decide(selection);
    EXPECT_FALSE(selection.rule.empty());
    return selection.models[selection.chosen].model;
  };
  for (const auto& [n_sbg, n_bdw] : {std::pair(2, 3), {1, 2}, {1, 3}}) {
    EXPECT_EQ(chosen(n_sbg, n_bdw, -0.01, 0.001), "sbg");
    EXPECT_EQ(chosen(n_sbg, n_bdw, 0, 0), "sbg");
    EXPECT_EQ(chosen(n_sbg, n_bdw, 0.0019, 0.001), "sbg");
    EXPECT_EQ(chosen(n_sbg, n_bdw, 0.0021, 0.001), "bdw");
  }
  EXPECT_EQ(chosen(2, 2, -0.0001, 0.001), "sbg");
  EXPECT_EQ(chosen(2, 2, 0.0001, 0.001), "bdw");
}

// The paired standard error is that of the difference: doubling a book changes no score and shrinks the error.
TEST(ContractChoice, StandardErrorsAreOfContracts) {
  ContractBook book = drawn_book(3000, 0.7, 4, 1, 36, 5), twice = book;
  twice.tenures.insert(twice.tenures.end(), book.tenures.begin(), book.tenures.end());
  twice.customers.clear();
  book.customers.clear();
  twice.n_churned *= 2;
  ContractSelection one, two;
  (void)choose_contract_model(book, {}, one);
  (void)choose_contract_model(twice, {}, two);
  EXPECT_EQ(two.renewals, one.renewals);
  EXPECT_EQ(two.n_later, 2 * one.n_later);
  EXPECT_NEAR(two.excess, one.excess, 1e-7);
  EXPECT_NEAR(two.excess_se / one.excess_se, std::sqrt(0.5), 1e-3);
}

TEST(ContractChoice, TakesTheLowerBicOfBooksThatCannotBeCut) {
  const ContractBook book = drawn_book(3000, 0.7, 4, 1, 4, 7);
  ContractSelection selection;
  const ContractFit fit = choose_contract_model(book, {}, selection);
  EXPECT_EQ(selection.renewals, 0);
  EXPECT_THAT(selection.rule, HasSubstr("the lower BIC, as the book is too young to cut: 0 contracts churned after"));
  EXPECT_LE(selection.models[selection.chosen].bic, selection.models[1 - selection.chosen].bic);
  EXPECT_EQ(fit.fit.bic, selection.models[selection.chosen].bic);
}

// Contracts whose churn a covariate moves: scores know it.
TEST(ContractChoice, ScoresWithCovariates) {
  ContractBook book = drawn_book(4000, 0.7, 8, 1, 36, 9);
  const ContractBook other = drawn_book(4000, 2.1, 8, 1, 36, 10);
  std::vector<double> values(8000, 0);
  for (std::size_t i = 0; i < other.tenures.size(); ++i) {
    book.tenures.push_back(other.tenures[i]);
    values[4000 + i] = 1;
  }
  book.customers.clear();
  ContractSelection without, with;
  (void)choose_contract_model(book, {}, without);
  std::vector<std::uint32_t> row_of;
  book.covariates =
      covariate_table(std::vector<std::string>{"easily"}, std::vector<std::vector<double>>{values}, row_of);
  for (std::size_t i = 0; i < row_of.size(); ++i) book.tenures[i].covariates = row_of[i];
  const ContractFit fit = choose_contract_model(book, {}, with);
  EXPECT_EQ(fit.fit.parameters.size(), 3u);
  EXPECT_EQ(with.models[with.chosen].model, "sbg");
  ASSERT_EQ(with.renewals, without.renewals);
  EXPECT_GT(with.models[0].log_score, without.models[0].log_score + 0.005);
}

}  // namespace
}  // namespace clvsim
