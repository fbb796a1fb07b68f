// Gamma-Gamma spend against Fader, Hardie & Lee 2005b, the note of Fader & Hardie 2013 and independent 40-digit values.
#include "tests/support/cdnow.hpp"

#include <clvsim/error.hpp>
#include <clvsim/gamma_gamma.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <fstream>
#include <vector>

namespace clvsim {
namespace {

std::vector<SpendHistory> repeat_spend(const std::vector<test::CdnowCustomer>& customers) {
  std::vector<SpendHistory> all;
  for (const test::CdnowCustomer& customer : customers)
    if (customer.history.x > 0 && customer.mean_spend > 0) all.push_back({customer.history.x, customer.mean_spend});
  return all;
}

class CdnowSpend : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(test::public_data("cdnow_sample.csv")))
      GTEST_SKIP() << "the public data sets are not beside the project";
  }
};

TEST_F(CdnowSpend, FitsAreThePublishedOnes) {
  const LikelihoodFit sample = fit_gamma_gamma(repeat_spend(test::read_cdnow("cdnow_sample.csv")));
  EXPECT_EQ(sample.n_customers, 946);
  EXPECT_NEAR(sample.log_likelihood, -4055.91769, 5.1e-6);
  const std::array<double, 3> of_sample{6.24957, 3.74422, 15.44352};
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(sample.parameters[i], of_sample[i], 5.1e-6) << sample.names[i];
  EXPECT_EQ(sample.n_agreeing, sample.n_starts);

  const LikelihoodFit full = fit_gamma_gamma(repeat_spend(test::read_cdnow("cdnow_master.csv")));
  EXPECT_NEAR(full.log_likelihood, -40763.476, 5.1e-4);
  const std::array<double, 3> of_full{6.2754, 3.6244, 14.9837};
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(full.parameters[i], of_full[i], 5.1e-5) << full.names[i];
}

TEST_F(CdnowSpend, AgreesWithTheGoldenValues) {
  // Expected spend depends on p and q by (q - 1) / p alone: this pair gives the ratio of the golden values.
  const GammaGamma model{6.249415, 3.7442849824, 15.44431};
  std::ifstream golden(test::public_data("cdnow_sample_golden_mpmath.csv"));
  std::string line;
  std::getline(golden, line);
  double worst = 0;
  for (const test::CdnowCustomer& customer : test::read_cdnow("cdnow_sample.csv")) {
    ASSERT_TRUE(std::getline(golden, line));
    const double expected = std::stod(test::fields_of(line).at(8));
    worst = std::max(worst, std::abs(model.expected_spend(customer.history.x, customer.mean_spend) / expected - 1));
  }
  EXPECT_LT(worst, 1e-9);
}

// The first ten customers of the sample (note of Fader & Hardie 2013), of whom five have not bought again.
TEST_F(CdnowSpend, ExpectsWhatTheNotePrints) {
  const GammaGamma model{6.24957, 3.74422, 15.44352};
  const std::array<double, 10> expected{24.65, 18.91, 35.17, 35.17, 35.17, 71.46, 18.91, 35.17, 27.28, 35.17};
  const auto customers = test::read_cdnow("cdnow_sample.csv");
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(model.expected_spend(customers[i].history.x, customers[i].mean_spend), expected[i], 5.1e-3) << i;
  // A new customer by the parameters as the papers round them.
  EXPECT_NEAR((GammaGamma{6.25, 3.74, 15.44}.expected_spend(0, 0)), 35.22, 5.1e-3);
}

TEST(GammaGammaSpend, RefusesWhatHasNoMean) {
  EXPECT_TRUE(std::isinf(GammaGamma{2, 0.9, 10}.expected_spend(0, 0)));
  EXPECT_THROW((void)fit_gamma_gamma(std::vector<SpendHistory>(40, {1, 10})), DataError);
  EXPECT_THROW((void)fit_gamma_gamma(std::vector<SpendHistory>(40, {2, 0})), DataError);
  // Customers' levels over nine orders of magnitude.
  std::vector<SpendHistory> wild;
  for (int i = 0; i < 90; ++i) wild.push_back({1 + i % 3, std::pow(10.0, i / 10.0)});
  EXPECT_THROW((void)fit_gamma_gamma(wild), ModelError);
}

}  // namespace
}  // namespace clvsim
