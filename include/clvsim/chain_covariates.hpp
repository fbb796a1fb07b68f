/// \file
/// Covariates of a migration chain: what moves its probabilities in some periods, or for some customers.
///
/// Multinomial logit with one reference category a row (McFadden 1974): the probability of outcome k of state i in
/// period t, for a customer of segment g, is proportional to
///
///     p_ik exp(sum_c b_cik z_c(t, g)),
///
/// where p_ik is the outcome's stated probability, so that these are the probabilities where every covariate is 0, and
/// b_cik is the effect of covariate c on the outcome's log-odds against those that nothing moves. A season and a
/// campaign have for z the share of the period's days that they hold, a segment 1 for its customers and 0 for all
/// others: z lies in [0, 1].
#pragma once

#include <clvsim/calendar.hpp>

#include <string>
#include <vector>

namespace clvsim {

/// Some days, both ends included.
struct DateWindow {
  Date first_day, last_day;
};

/// What a covariate does to outcomes.
struct LogitEffect {
  double effect = 0;          ///< on the log-odds where the covariate is 1; -20 to 20
  double standard_error = 0;  ///< 0 where it was given, not estimated
  std::vector<int> states;    ///< indices, ascending, of the states whose outcomes it moves; empty: all
  int to = -1;                ///< it moves the outcomes that lead to this state; -1: those that are purchases
};

struct ChainCovariate {
  enum class Kind : std::uint8_t { season, campaign, segment };
  std::string name;  ///< its own
  Kind kind = Kind::season;
  std::vector<int> months;           ///< of a season: 1 to 12, ascending, at most 11 of them
  std::vector<DateWindow> windows;   ///< of a campaign: ascending, without overlap
  std::string segment;               ///< of a segment: its name in the store
  std::vector<LogitEffect> effects;  ///< at least one; those on the same outcome add up

  /// Whether it depends on dates.
  [[nodiscard]] bool dated() const { return kind != Kind::segment; }
};

/// Share of a period's days, from `first` to `last`, that a season or a campaign holds. Precondition: dated(), first <=
/// last.
[[nodiscard]] double covariate_share(const ChainCovariate& covariate, Date first, Date last);

}  // namespace clvsim
