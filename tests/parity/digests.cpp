// Prints a digest of everything that the engine gives for every case of the parity tests, and of random draws, once all
// instruction sets, thread counts and batch sizes have given the same: `digests` (all of them) or `digests quick` (one
// thread and batch size). tests/parity/compilers.sh compares what compilers and levels of optimisation make of it with
// digests.txt.
#include "kernels/lanes/lanes.hpp"
#include "kernels/math/count_draws.hpp"
#include "kernels/math/gamma_draws.hpp"
#include "kernels/math/log_gamma.hpp"
#include "tests/support/engine_outcome.hpp"

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace {

using namespace clvsim;

unsigned long long digest_of(const test::Outcome& outcome) {
  XXH64_hash_t hash = 0;
  const auto add = [&](const auto& numbers) {
    hash = XXH64(numbers.data(), numbers.size() * sizeof(numbers[0]), hash);
  };
  add(outcome.numbers);
  add(outcome.order);
  add(outcome.sums.total);
  add(outcome.sums.revenue);
  add(outcome.sums.active);
  add(outcome.sums.transactions);
  return hash;
}

constexpr std::uint32_t n_paths = 4096;

// `draw` of every path of some customers, for every parameter.
template <class Draw>
void print_draws(const char* name, const std::vector<double>& parameters, Draw draw) {
  std::vector<double> drawn;
  for (const double parameter : parameters) {
    for (std::uint32_t path = 0; path < n_paths; ++path) {
      draw(parameter, kernels::PathDraws{1234567, 0xABCDEF012345, path}, drawn);
    }
  }
  const unsigned long long digest = XXH64(drawn.data(), drawn.size() * sizeof(double), 0);
  std::printf("draws %-12s %016llx\n", name, digest);
}

// What is drawn path by path; log-gamma on every instruction set too. Returns how many sets differ, or draws failed.
int print_draws() {
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
      std::vector<double> drawn(n_paths);
      const LogGammaSampler law(shape);
      n_exhausted += lanes->math.log_gamma_draws(law, {1234567, 0xABCDEF012345, 0}, index, n_paths, drawn.data());
      for (std::uint32_t path = 0; path < n_paths; ++path) {
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

}  // namespace

int main(int argc, char** argv) {
  const bool quick = argc > 1 && std::strcmp(argv[1], "quick") == 0;
  std::vector<std::string> instructions{"reference"};
  for (const kernels::LaneKernels* lanes : kernels::lane_kernels()) instructions.emplace_back(lanes->name);
  int number = 0, differences = 0;
  for (const test::Case& c : test::parity_cases()) {
    ++number;
    test::Prepared prepared(c);
    for (const bool periods : {true, false}) {
      prepared.spec.periods = periods;
      bool is_first = true;
      unsigned long long expected = 0;
      for (const std::string& name : instructions) {
        for (const int threads : quick ? std::vector<int>{2} : std::vector<int>{1, 2, 3, 8}) {
          for (const std::size_t batch : quick ? std::vector<std::size_t>{7} : std::vector<std::size_t>{1, 7, 4096}) {
            const auto backend = kernels::make_cpu_backend(prepared.spec, threads, test::budget, name);
            const unsigned long long digest = digest_of(test::run_backend(prepared, *backend, batch));
            if (is_first) expected = digest;
            is_first = false;
            if (digest == expected) continue;
            ++differences;
            std::fprintf(stderr, "case %d%s: %s with %d threads and batches of %zu gives %016llx, not %016llx\n",
                         number, periods ? " by period" : "", name.c_str(), threads, batch, digest, expected);
          }
        }
      }
      std::printf("%2d %-9s %016llx\n", number, periods ? "by_period" : "values", expected);
    }
  }
  differences += print_draws();
  return differences == 0 ? 0 : 1;
}
