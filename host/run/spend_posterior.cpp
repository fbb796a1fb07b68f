#include "host/run/spend_posterior.hpp"

#include "host/run/chain_tables.hpp"
#include "kernels/math/portable.hpp"

#include <algorithm>

namespace clvsim {

SpendLevel spend_level(const SpendModel& spend, int frequency_class, std::int64_t n, double log_sum) {
  const auto last_class = static_cast<int>(spend.log_mean.size()) - 1;
  const double prior_mean = spend.log_mean[static_cast<std::size_t>(std::clamp(frequency_class, 0, last_class))];
  const double between = spend.between_sd * spend.between_sd;
  const double within = spend.within_sd * spend.within_sd;
  const double total = within + static_cast<double>(n) * between;
  if (n == 0 || total == 0) return {prior_mean, spend.between_sd};
  return {(within * prior_mean + between * log_sum) / total,
          spend.between_sd * spend.within_sd / kernels::square_root(total)};
}

SpendLevel spend_level(const SpendModel& spend, int frequency_class, const CustomerBatch& batch, std::size_t i,
                       int decimals) {
  const double scale = minor_units_per_unit(decimals);
  const History& history = batch.history;
  std::int64_t n = 0;
  double log_sum = 0;
  for (auto row = static_cast<std::size_t>(history.offset[i]); row < static_cast<std::size_t>(history.offset[i + 1]);
       ++row) {
    if (history.kind[row] != static_cast<std::uint8_t>(RowKind::purchase) || history.amount[row] <= 0) continue;
    ++n;
    log_sum += kernels::portable_log(static_cast<double>(history.amount[row]) / scale);
  }
  return spend_level(spend, frequency_class, n, log_sum);
}

}  // namespace clvsim
