/// \file
/// Levers of a scenario: what a company does, or what happens to it, as changes of a migration chain.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace clvsim {

/// What an effect changes. Of probabilities, in each state where some outcomes are of this kind and others are not:
/// `churn` those that lead from an active to an inactive state, `retention` from an active to an active one,
/// `reactivation` from an inactive to an active one, `purchase` those that are purchases. Of money: `spend` the amounts
/// of purchases, drawn ones too; `amount` the cash flow of a period that begins in a state.
enum class LeverTarget : std::uint8_t { churn, retention, reactivation, purchase, spend, amount };
/// How. A probability q becomes q v, q + v, v, or that of the odds q / (1 - q) e^v; the row's other outcomes keep their
/// proportions. Money cannot be shifted by a logit, and spend only multiplied.
enum class LeverOperation : std::uint8_t { logit, multiply, add, set };

struct LeverEffect {
  LeverTarget target = LeverTarget::churn;
  LeverOperation operation = LeverOperation::multiply;
  double value = 1;
};

struct Lever {
  std::string name;
  std::vector<LeverEffect> effects;   ///< at least one: what it is for, then its side effects
  int first_period = 1;               ///< of the horizon
  std::optional<int> last_period;     ///< absent: to the end
  std::vector<std::string> segments;  ///< of the store, whose customers it is on; empty: all
  std::vector<int> states;            ///< ascending indices of the states that it is on; empty: all, of `amount` active
  double cost = 0;                    ///< of every period that begins in such a state; at least 0, of models of profit
};

/// A regime of the world, a recession: in each period all customers of a path live in the same one. Regimes follow each
/// other as a Markov chain.
struct Regime {
  /// A state in it: probabilities of its outcomes, in their order, and the cash flow of a period that begins there.
  struct Row {
    int state = 0;
    std::vector<double> probabilities;
    std::optional<double> amount;  ///< absent: as in the model
  };
  std::string name;
  double start = 0;                  ///< probability of the first period to be in it; of all regimes they sum to 1
  std::vector<double> transition;    ///< [regimes] probability of each in the next period; sums to 1
  std::vector<Row> rows;             ///< in place of the model's, of all customers; then
  std::vector<LeverEffect> effects;  ///< on all customers; neither: as the model says
};

}  // namespace clvsim
