// Customers drawn as each purchase model says. The random numbers here are std's: nothing is shared with the engine.
#pragma once

#include <clvsim/purchase_models.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

namespace clvsim::test {

struct DrawnCustomer {
  PurchaseHistory history;
  int ahead = 0;  // purchases in (T, T + t]
};

class Simulated : public testing::Test {
 protected:
  std::mt19937_64 random{20261126};
  double gamma(double shape, double rate) { return std::gamma_distribution<double>(shape, 1 / rate)(random); }
  double beta(double a, double b) {
    const double x = gamma(a, 1), y = gamma(b, 1);
    return x / (x + y);
  }
  bool happens(double p) { return std::uniform_real_distribution<double>()(random) < p; }

  DrawnCustomer draw(const std::string& name, int k, const std::vector<double>& p, double T, double t) {
    DrawnCustomer drawn;
    PurchaseHistory& h = drawn.history;
    h.T = T;
    if (name == "bg_bb") {
      const double buys = beta(p[0], p[1]), leaves = beta(p[2], p[3]);
      for (int n = 1; n <= static_cast<int>(T + t) && !happens(leaves); ++n) {
        if (!happens(buys)) continue;
        if (n > T) {
          ++drawn.ahead;
        } else {
          ++h.x;
          h.t_x = n;
        }
      }
      return drawn;
    }
    const double rate = gamma(p[0], p[1]);
    const bool pareto = name == "pareto_nbd";
    const double ends = pareto ? std::exponential_distribution<double>(gamma(p[2], p[3]))(random) : T + t;
    const double drops = pareto ? 0 : beta(p[2], p[3]);
    if (name[0] == 'm' && happens(drops)) return drawn;
    for (double time = 0;;) {
      const double gap = gamma(k, rate);
      time += gap;
      if (!(time <= std::min(T + t, ends))) return drawn;
      if (time > T) {
        ++drawn.ahead;
      } else {
        ++h.x;
        h.t_x = time;
        h.log_gaps += std::log(gap);
      }
      if (!pareto && happens(drops)) return drawn;
    }
  }
  PurchaseHistory history(const std::string& name, int k, const std::vector<double>& p, double T) {
    return draw(name, k, p, T, 0).history;
  }
};

}  // namespace clvsim::test
