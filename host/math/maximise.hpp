// The maximum of a smooth function of a few parameters, with a certificate.
#pragma once

#include <functional>
#include <span>
#include <vector>

namespace clvsim {

// The value at `at`; fills in `gradient` [n].
using Objective = std::function<double(std::span<const double> at, std::span<double> gradient)>;

struct MaximiseOptions {
  double lowest = -16, highest = 16;  // of every coordinate
  int most_steps = 300;
  double decrement = 1e-9;  // how much higher the maximum of the local quadratic may lie, or
  double relative = 2e-14;  // this share of the value: a hundred roundings
};

// Square matrix, row by row.
struct SmallMatrix {
  std::size_t n = 0;
  std::vector<double> value;
  explicit SmallMatrix(std::size_t order = 0) : n(order), value(order * order, 0) {}
  double& operator()(std::size_t i, std::size_t j) { return value[i * n + j]; }
  double operator()(std::size_t i, std::size_t j) const { return value[i * n + j]; }
};

struct Maximum {
  std::vector<double> at, gradient;
  double value = 0;
  SmallMatrix information;  // minus the Hessian
  double decrement = 0;     // g' information^-1 g / 2: how much higher the quadratic's maximum lies
  double smallest_eigenvalue = 0, largest_eigenvalue = 0;  // of `information`
  int at_bound = -1;                                       // a coordinate at the end of its range, or -1
  int n_evaluations = 0;
  // The decrement is small enough, the information positive definite, and no coordinate at its bound.
  bool certified = false;
};

// From `start`: quasi-Newton steps (BFGS; Nocedal & Wright 2006, algorithm 6.1, backtracking), then Newton steps by the
// information, which is formed by central differences of the gradient.
[[nodiscard]] Maximum maximise(const Objective& objective, std::span<const double> start,
                               const MaximiseOptions& options = {});

// The same from a maximum of a function that is close to this one but for its scale: Newton steps alone.
[[nodiscard]] Maximum polish(const Objective& objective, const Maximum& near, const MaximiseOptions& options = {});

// Lower Cholesky factor of a positive definite matrix; false where it is none.
[[nodiscard]] bool cholesky(const SmallMatrix& matrix, SmallMatrix& lower);
// The inverse of a positive definite matrix from its factor.
[[nodiscard]] SmallMatrix inverse_of(const SmallMatrix& lower);
// Eigenvalues of a symmetric matrix, ascending (cyclic Jacobi; Golub & Van Loan 2013, section 8.5).
[[nodiscard]] std::vector<double> eigenvalues(SmallMatrix matrix);

}  // namespace clvsim
