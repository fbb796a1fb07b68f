// How much customers differ: maximum likelihood of the Dirichlet-multinomial law of their counts.
#pragma once

#include <clvsim/fit.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace clvsim {

// Counts of a row's outcomes, customer by customer; the likelihood needs to know no more of them than how many
// customers have which count of an outcome, and of all.
class DirichletCounts {
 public:
  explicit DirichletCounts(std::size_t n_outcomes) : with_(n_outcomes + 1) {}
  // Of a customer; nothing where it never was in the row.
  void add(std::span<const std::uint32_t> counts);

  [[nodiscard]] std::size_t n_outcomes() const { return with_.size() - 1; }
  // [outcomes + 1][m] customers that have more than m = 0, 1, ... of an outcome; last, of all outcomes together.
  [[nodiscard]] std::vector<std::vector<std::int64_t>> above() const;
  [[nodiscard]] std::int64_t n_customers() const { return n_with(1); }
  [[nodiscard]] std::int64_t n_twice() const { return n_with(2); }  // that were in the row more than once

 private:
  [[nodiscard]] std::int64_t n_with(std::size_t least) const;

  std::vector<std::vector<std::int64_t>> with_;  // [outcomes + 1][n] customers with n of it
};

// Of a row.
struct DirichletFit {
  std::vector<double> probabilities, standard_errors;  // of the mean row
  std::optional<double> concentration;                 // absent: the customers are alike, or it cannot be told
  double concentration_error = 0;
  double log_likelihood = 0, log_likelihood_alike = 0;  // of the data; the latter at `alike`
  std::string note;                                     // why there is none, or empty
};

// Maximises over probabilities and concentration. `alike` are the probabilities where customers are alike, of the same
// prior: `prior` pseudo-periods of each outcome, each of a customer of its own, above 0. The log-likelihood is, with A
// the concentration, a = A p, and c_k(m) customers that have more than m of outcome k (Minka 2000, "Estimating a
// Dirichlet distribution"),
//
//   sum_k sum_m c_k(m) ln(a_k + m) - sum_m c(m) ln(A + m).
//
// Where its derivative by 1 / A is not above 0 at customers that are alike (Tarone 1979, Biometrika 66), these are its
// maximum.
[[nodiscard]] DirichletFit fit_dirichlet(const DirichletCounts& counts, std::span<const double> alike,
                                         std::span<const double> prior);

// Of the data alone, under rows of these probabilities; without a concentration all customers have them.
[[nodiscard]] double dirichlet_log_likelihood(const DirichletCounts& counts, std::span<const double> probabilities,
                                              std::optional<double> concentration);

}  // namespace clvsim
