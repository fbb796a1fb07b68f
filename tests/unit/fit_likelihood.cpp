// What the fits by maximum likelihood and the closed forms refuse, and what they say.
#include <clvsim/error.hpp>
#include <clvsim/purchase_models.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace clvsim {
namespace {

// Expects that `act` throws an Expected whose message has every one of `parts`.
template <class Expected, class Act>
void expect_refusal(const Act& act, const std::vector<std::string>& parts) {
  try {
    act();
    ADD_FAILURE() << "not refused; expected: " << testing::PrintToString(parts);
  } catch (const Expected& refusal) {
    for (const std::string& part : parts)
      EXPECT_NE(std::string(refusal.what()).find(part), std::string::npos) << part << "\nin: " << refusal.what();
  }
}

TEST(BgBbHistories, AreOpportunities) {
  const auto model = make_purchase_model("bg_bb");
  const auto with = [&](PurchaseHistory faulty) {
    std::vector<PurchaseHistory> histories(40, {1, 2, 6});
    histories[7] = faulty;
    return [&model, histories] { (void)fit_purchase_model(*model, histories); };
  };
  expect_refusal<DataError>(with({3, 2, 6}), {"no. 8", "x = 3", "t_x = 2", "pareto_nbd"});
  expect_refusal<DataError>(with({1, 2.5, 6}), {"no. 8", "t_x = 2.5", "whole"});
  expect_refusal<DataError>(with({1, 2, 6.5}), {"no. 8", "T = 6.5", "whole"});
  expect_refusal<DataError>(with({1, 2, 10'001}), {"no. 8", "T = 10001", "at most 10000"});
  expect_refusal<DataError>(with({1, 7, 6}), {"no. 8", "t_x = 7"});
  EXPECT_EQ(model->fault_of({6, 6, 10'000}), "");
  EXPECT_EQ(make_purchase_model("bg_nbd")->fault_of({3, 2.5, 10'001.5}), "");
}

}  // namespace
}  // namespace clvsim
