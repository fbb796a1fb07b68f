// Prints a digest of everything that the engine gives for every case of the parity tests, and of random draws, once all
// instruction sets, thread counts and batch sizes have given the same: `digests` (all of them) or `digests quick` (one
// thread and batch size). tests/parity/compilers.sh compares what compilers and levels of optimisation make of it with
// digests.txt.
#include "kernels/lanes/lanes.hpp"
#include "tests/support/dirichlet.hpp"
#include "tests/support/draw_digests.hpp"
#include "tests/support/outcome_digest.hpp"
#include "tests/support/purchases.hpp"

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

using namespace clvsim;

int main(int argc, char** argv) {
  const bool quick = argc > 1 && std::strcmp(argv[1], "quick") == 0;
  std::vector<std::string> instructions{"reference"};
  for (const kernels::LaneKernels* lanes : kernels::lane_kernels()) instructions.emplace_back(lanes->name);
  int number = 0, differences = 0;
  const auto print = [&](auto& prepared, const std::vector<std::string>& names) {
    ++number;
    for (const bool periods : {true, false}) {
      prepared.spec.periods = periods;
      bool is_first = true;
      unsigned long long expected = 0;
      for (const std::string& name : names) {
        for (const int threads : quick ? std::vector<int>{2} : std::vector<int>{1, 2, 3, 8}) {
          for (const std::size_t batch : quick ? std::vector<std::size_t>{7} : std::vector<std::size_t>{1, 7, 4096}) {
            const auto backend = kernels::make_cpu_backend(prepared.spec, threads, test::budget, name);
            const unsigned long long digest = test::digest_of(test::run_backend(prepared, *backend, batch));
            if (is_first) expected = digest;
            is_first = false;
            if (digest == expected) continue;
            ++differences;
            std::fprintf(stderr, "case %d%s: %s with %d threads and batches of %zu gives %016llx, not %016llx\n",
                         number, periods ? " by period" : "", name.c_str(), threads, batch, digest, expected);
          }
        }
      }
      std::printf("%s\n", test::digest_line(number, periods, expected).c_str());
    }
  };
  for (const test::Case& c : test::parity_cases()) {
    test::Prepared prepared(c);
    print(prepared, instructions);
  }
  for (const test::BehaviourCase& c : test::behaviour_cases()) {
    test::PreparedBehaviour prepared(c);
    print(prepared, instructions);
  }
  for (const test::DirichletCase& c : test::dirichlet_cases()) {
    test::PreparedDirichlet prepared(c);
    print(prepared, instructions);
  }
  differences += test::print_draws();
  return differences == 0 ? 0 : 1;
}
