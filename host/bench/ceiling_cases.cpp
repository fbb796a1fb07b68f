// What the machine can do: the limits that the other cases are measured by.
#include "host/bench/cases.hpp"

#include "host/io/seal.hpp"
#include "kernels/math/gamma_draws.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <cstring>

namespace clvsim {
namespace {

volatile std::uint32_t folded;  // so that no compiler drops the work

// The generator alone, its words kept in registers: the first of these is the W that the engine is measured by.
PlannedCase words_case(const kernels::LaneKernels& lanes) {
  constexpr std::uint32_t n_blocks = 20000;
  PlannedCase planned;
  planned.result.name = words_ceiling(lanes);
  planned.result.unit = "words";
  planned.result.work = 4.0 * static_cast<double>(lanes.n_counters) * n_blocks;
  planned.prepare = [&lanes](BenchCase&) {
    // Every call has another key, so that no call can be taken for another.
    return [&lanes, seed = std::uint64_t{0}, sum = std::uint32_t{0}]() mutable {
      sum ^= lanes.fold_words(++seed, n_blocks);
      folded = sum;
    };
  };
  return planned;
}

// Bytes copied from one buffer to another: each is read once and written once.
PlannedCase copy_case(const char* name, std::size_t bytes, int copies) {
  PlannedCase planned;
  planned.result.name = name;
  planned.result.unit = "bytes";
  planned.result.work = static_cast<double>(bytes) * copies;
  planned.prepare = [bytes, copies](BenchCase&) {
    // Filled, so that the pages are there.
    return [from = std::vector<unsigned char>(bytes, 1), to = std::vector<unsigned char>(bytes, 2), copies]() mutable {
      for (int i = 0; i < copies; ++i) {
        std::memcpy(to.data(), from.data(), from.size());
        folded = to[static_cast<std::size_t>(i)];
        asm volatile("" : : "g"(to.data()) : "memory");  // every copy happens
      }
    };
  };
  return planned;
}

// `fill` makes n numbers that stay in a core's first cache; their digest is that of every instruction set.
template <class Fill>
PlannedCase numbers_case(std::string name, const char* unit, Fill fill) {
  constexpr std::size_t n = 1024, calls = 500;
  PlannedCase planned;
  planned.result.name = std::move(name);
  planned.result.unit = unit;
  planned.result.work = static_cast<double>(n) * calls;
  planned.prepare = [fill](BenchCase& result) {
    std::vector<double> out(n);
    fill(out);
    Hasher hasher;
    hasher.update(out.data(), n * sizeof(double));
    result.digest = to_hex(hasher.digest());
    return [fill, out]() mutable {
      for (std::size_t i = 0; i < calls; ++i) {
        fill(out);
        asm volatile("" : : "g"(out.data()) : "memory");  // every call happens
      }
    };
  };
  return planned;
}

// A function of first, first + step, ...
template <class T>
PlannedCase function_case(std::string name, const char* unit, void (*function)(const T*, std::size_t, double*), T first,
                          T step) {
  std::vector<T> x(1024);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = first + static_cast<T>(i) * step;
  return numbers_case(std::move(name), unit,
                      [function, x](std::vector<double>& out) { function(x.data(), out.size(), out.data()); });
}

// Log-gamma draws of a shape, their random words included.
PlannedCase gamma_case(std::string name, const kernels::LaneKernels& lanes) {
  return numbers_case(std::move(name), "draws",
                      [&lanes, law = kernels::LogGammaSampler(2.5)](std::vector<double>& out) {
                        if (lanes.math.log_gamma_draws(law, {1, 2, 3}, {}, out.size(), out.data()) != 0)
                          throw ModelError("a log-gamma draw was rejected too often; please report it");
                      });
}

}  // namespace

std::string function_ceiling(const char* function, const kernels::LaneKernels& lanes) {
  return fmt::format("{}_{}", function, lanes.name);
}

std::string words_ceiling(const kernels::LaneKernels& lanes) { return fmt::format("philox_{}", lanes.name); }

void add_ceiling_cases(PlannedCases& cases) {
  constexpr std::size_t beyond_caches = std::size_t{128} << 20, second_cache = std::size_t{128} << 10;
  for (const kernels::LaneKernels* lanes : kernels::lane_kernels()) cases.push_back(words_case(*lanes));
  for (const kernels::LaneKernels* lanes : kernels::lane_kernels()) {
    cases.push_back(function_case(function_ceiling("exp", *lanes), "exps", lanes->math.exp, -5.0, 0.01));
    cases.push_back(function_case(function_ceiling("log", *lanes), "logs", lanes->math.log, 0.01, 0.01));
    cases.push_back(function_case(function_ceiling("normal", *lanes), "normals", lanes->math.normal_32, 0U, 4194301U));
    cases.push_back(gamma_case(function_ceiling("gamma", *lanes), *lanes));
  }
  cases.push_back(copy_case(memory_ceiling, beyond_caches, 1));
  cases.push_back(copy_case(cache_ceiling, second_cache, 1000));
}

}  // namespace clvsim
