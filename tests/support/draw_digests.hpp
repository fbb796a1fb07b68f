// Digests of random draws, beside those of whole runs (tests/parity/digests.cpp).
#pragma once

#include "kernels/lanes/lanes.hpp"
#include "kernels/math/count_draws.hpp"
#include "kernels/math/gamma_draws.hpp"
#include "kernels/math/log_gamma.hpp"

#include <cstdint>
#include <cstdio>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace clvsim::test {

inline constexpr std::uint32_t n_drawn_paths = 4096;

// `draw` of every path of some customers, for every parameter.
template <class Draw>
void print_draws(const char* name, const std::vector<double>& parameters, Draw draw) {
  std::vector<double> drawn;
  for (const double parameter : parameters) {
    for (std::uint32_t path = 0; path < n_drawn_paths; ++path) {
      draw(parameter, kernels::PathDraws{1234567, 0xABCDEF012345, path}, drawn);
    }
  }
  const unsigned long long digest = XXH64(drawn.data(), drawn.size() * sizeof(double), 0);
  std::printf("draws %-12s %016llx\n", name, digest);
}

// What is drawn path by path; log-gamma on every instruction set too. Returns how many sets differ, or draws failed.
inline int print_draws() {
  using namespace kernels;
  std::uint32_t n_exhausted = 0;
  int differences = 0;
  const DrawIndex index{Purpose::spend_level, 3, 0, 0};
  print_draws("exponential", {0}, [&](double, const PathDraws& draws, std::vector<double>& drawn) {
    drawn.push_back(exponential(draws(index)));
  });
  const std::vector<double> shapes{1e-3, 0.01, 0.5, 1, 3, 1e6};
  print_draws("log_gamma", shapes, [&](double shape, const PathDraws& draws, std::vector<double>& drawn) {
    drawn.push_back(LogGammaSampler(shape)(draws, index, n_exhausted));
  });
  for (const LaneKernels* lanes : lane_kernels()) {
    for (const double shape : shapes) {
      std::vector<double> drawn(n_drawn_paths);
      const LogGammaSampler law(shape);
      n_exhausted += lanes->math.log_gamma_draws(law, {1234567, 0xABCDEF012345, 0}, index, n_drawn_paths, drawn.data());
      for (std::uint32_t path = 0; path < n_drawn_paths; ++path) {
        if (drawn[path] == law(PathDraws{1234567, 0xABCDEF012345, path}, index, n_exhausted)) continue;
        ++differences;
        std::fprintf(stderr, "log_gamma of shape %g by %s differs on path %u\n", shape, lanes->name, path);
      }
    }
  }
  print_draws("log_beta", shapes, [&](double shape, const PathDraws& draws, std::vector<double>& drawn) {
    const LogProbabilities p = LogBetaSampler(shape, 0.3)(draws, index, n_exhausted);
    drawn.insert(drawn.end(), {p.log_p, p.log_1_minus_p});
  });
  print_draws("poisson", {1e-6, 0.5, 9.5, 10, 123.4, 1e9, 1e15},
              [&](double mean, const PathDraws& draws, std::vector<double>& drawn) {
                drawn.push_back(static_cast<double>(PoissonSampler(mean)(draws, index, n_exhausted)));
              });
  print_draws("binomial", {1e-9, 0.001, 0.3, 0.5, 0.999},
              [&](double p, const PathDraws& draws, std::vector<double>& drawn) {
                for (const std::uint64_t n : {std::uint64_t{1}, std::uint64_t{40}, std::uint64_t{1000000000}})
                  drawn.push_back(static_cast<double>(BinomialSampler(n, p)(draws, index, n_exhausted)));
              });
  print_draws("log_gamma_of", {1e-3, 0.3, 1, 2, 7, 1e5},
              [&](double scale, const PathDraws& draws, std::vector<double>& drawn) {
                drawn.push_back(elementary::log_gamma<ScalarDoubles>(scale * exponential(draws(index))));
              });
  return differences + static_cast<int>(n_exhausted);
}

}  // namespace clvsim::test
