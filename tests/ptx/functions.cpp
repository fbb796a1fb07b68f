// Device functions, executed from their committed PTX, give the bits of the same source compiled for the host.
#include "tests/ptx/functions.hpp"

#include "kernels/stats/team.hpp"
#include "tests/support/curand_samples.hpp"
#include "tests/support/engine_outcome.hpp"
#include "tests/support/places.hpp"
#include "tests/support/ptx/machine.hpp"
#include "tests/support/ptx/simulation.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <deque>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace clvsim::kernels {
namespace {

using test::ptx::Device;
using test::ptx::Module;

const Module& functions() {
  static const Module module = Module::read(test::source_dir() + "/tests/ptx/functions.ptx");
  return module;
}

// NaN equals NaN: a device has one, the host keeps the bits of its operand.
bool same(double a, double b) { return bits_of(a) == bits_of(b) || (std::isnan(a) && std::isnan(b)); }
template <class Integer>
requires std::is_integral_v<Integer>
bool same(Integer a, Integer b) { return a == b; }
bool same(const Words& a, const Words& b) { return a == b; }
bool same(const WideSum& a, const WideSum& b) { return a.low == b.low && a.high == b.high; }
bool same(const ValueCentre& a, const ValueCentre& b) {
  return a.centre == b.centre && same(a.fraction, b.fraction) && a.offset == b.offset && a.reach == b.reach;
}
bool same(const WalkOutput& a, const WalkOutput& b) {
  return a.state == b.state && a.n_active == b.n_active && a.n_purchases == b.n_purchases &&
         a.n_saturated == b.n_saturated && a.cash == b.cash && a.drawn == b.drawn && a.value == b.value &&
         a.purchases == b.purchases && a.refunds == b.refunds;
}

bool same(const DrawOutput& a, const DrawOutput& b) {
  return same(a.x, b.x) && same(a.y, b.y) && a.count == b.count && a.n_exhausted == b.n_exhausted;
}

// Inputs of a type, and what they point to.
template <class In>
struct Samples {
  std::vector<In> values;
  std::deque<test::Prepared> chains;
  std::vector<MigrationChainView> views;
};

template <class In>
Samples<In> samples_of();

constexpr std::size_t n_samples = 10000;

template <>
Samples<std::uint32_t> samples_of() {
  Samples<std::uint32_t> samples;
  samples.values = {0, 1, 2, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFFE, 0xFFFFFFFF};
  std::mt19937 bits(1);
  while (samples.values.size() < n_samples) samples.values.push_back(static_cast<std::uint32_t>(bits()));
  // Both tails of the normal quantile.
  for (unsigned i = 1; i < 32; ++i) samples.values.insert(samples.values.end(), {1U << i, ~(1U << i), ~0U >> i});
  return samples;
}

// The edges of every branch, every exponent, (0, 1), the range of exp, and halves.
template <>
Samples<double> samples_of() {
  using Limits = std::numeric_limits<double>;
  Samples<double> samples;
  for (const double x : {0.0, Limits::denorm_min(), Limits::min(), 0.5, 0.075, 0.425, 0.925, 1.0, 1.5, 709.782712893384,
                         709.7827128933841, 745.1332191019411, 745.1332191019412, 4503599627370496.0,
                         4611686018427387904.0, 9223372036854775808.0, Limits::max(), Limits::infinity()}) {
    for (const double sign : {1.0, -1.0}) {
      const double value = sign * x;
      samples.values.insert(samples.values.end(), {value, std::nextafter(value, Limits::infinity()),
                                                   std::nextafter(value, -Limits::infinity())});
    }
  }
  samples.values.push_back(Limits::quiet_NaN());
  std::mt19937_64 bits(2);
  std::uniform_real_distribution<double> unit;
  for (std::size_t i = 0; i < n_samples; ++i) {
    const double u = unit(bits);
    const double half = std::round(std::ldexp(u, 40)) + 0.5;
    samples.values.insert(samples.values.end(),
                          {double_of(bits()), u, std::ldexp(u, -40), 1600 * (u - 0.5), half, -half});
  }
  return samples;
}

template <>
Samples<PhiloxInput> samples_of() {
  Samples<PhiloxInput> samples;
  std::mt19937_64 bits(3);
  const auto next = [&] { return static_cast<std::uint32_t>(bits()); };
  for (std::size_t i = 0; i < n_samples; ++i) samples.values.push_back({{next(), next(), next(), next()}, bits()});
  return samples;
}

template <>
Samples<AddressInput> samples_of() {
  Samples<AddressInput> samples;
  std::mt19937_64 bits(4);
  for (std::size_t i = 0; i < n_samples; ++i) {
    const std::uint64_t b = bits();
    const DrawIndex index{static_cast<Purpose>(b & 0xFF), static_cast<std::uint32_t>(b >> 8 & 0xFFFF),
                          static_cast<std::uint8_t>(b >> 24), static_cast<std::uint8_t>(b >> 32)};
    samples.values.push_back({bits() >> 8, static_cast<std::uint32_t>(bits()), index});
  }
  return samples;
}

// Shapes and means from 1e-6 to 1e10, probabilities near 0, 1 and between, and what no law is defined for.
template <>
Samples<DrawInput> samples_of() {
  Samples<DrawInput> samples;
  std::mt19937_64 bits(9);
  std::uniform_real_distribution<double> unit;
  for (std::size_t i = 0; i < n_samples; ++i) {
    DrawInput input{std::exp(-14 + 37 * unit(bits)),
                    std::exp(-20 * unit(bits)),
                    bits() >> (14 + i % 50),
                    {bits(), bits() >> 8, static_cast<std::uint32_t>(bits())},
                    {Purpose::spend_level, static_cast<std::uint32_t>(bits() & 0xFFFF), 0, 3}};
    if (i % 3 == 0) input.b = 1 - input.b;
    if (i % 1000 == 0) input.a = i % 2000 == 0 ? -1.0 : std::numeric_limits<double>::quiet_NaN();
    if (i % 1000 == 1) input.b = i % 2000 == 1 ? 0.0 : 1.0;
    if (i % 1000 == 2) input.b = i % 2000 == 2 ? -0.5 : std::numeric_limits<double>::quiet_NaN();
    samples.values.push_back(input);
  }
  return samples;
}

template <>
Samples<FixedPair> samples_of() {
  Samples<FixedPair> samples;
  const std::array<std::int64_t, 9> edges = {
      0, 1, -1, fixed_limit, -fixed_limit, fixed_limit - 1, 1 - fixed_limit, fixed_limit / 2, -fixed_limit / 2};
  for (const std::int64_t a : edges) {
    for (const std::int64_t b : edges) samples.values.push_back({a, b});
  }
  std::mt19937_64 bits(5);
  std::uniform_int_distribution<std::int64_t> any(-fixed_limit, fixed_limit);
  for (std::size_t i = 0; i < n_samples; ++i) samples.values.push_back({any(bits), any(bits)});
  return samples;
}

template <>
Samples<WideInput> samples_of() {
  constexpr std::uint64_t all = ~std::uint64_t{0};
  Samples<WideInput> samples;
  samples.values = {{{0, 0, 0, 0}}, {{all, all, all, all}}, {{all, 1, 0, all}}, {{1ULL << 32, 1, 1, 1ULL << 63}}};
  std::mt19937_64 bits(6);
  for (std::size_t i = 0; i < n_samples; ++i) samples.values.push_back({{bits(), bits() >> (i % 64), bits(), bits()}});
  return samples;
}

template <>
Samples<WideSum> samples_of() {
  Samples<WideSum> samples;
  std::mt19937_64 bits(7);
  for (std::size_t i = 0; i < n_samples; ++i) {
    const u128 low = (static_cast<u128>(bits()) << 64 | bits()) >> (i % 128);
    samples.values.push_back({low, i % 3 == 0 ? bits() >> (i % 64) : 0});
  }
  return samples;
}

template <>
Samples<CentreInput> samples_of() {
  Samples<CentreInput> samples;
  std::mt19937_64 bits(8);
  std::uniform_int_distribution<std::int64_t> any(-fixed_limit, fixed_limit);
  std::uniform_real_distribution<double> unit;
  for (std::size_t i = 0; i < n_samples; ++i) {
    std::int64_t min = any(bits) >> (i % 60), max = any(bits) >> (i % 50);
    if (max < min) std::swap(min, max);
    const auto n = static_cast<std::uint32_t>(bits() >> (33 + i % 30)) + 1;
    const double share = i % 5 == 0 ? 1.0 : unit(bits);
    samples.values.push_back({min, max, share * static_cast<double>(distance(max, min)) * n, n});
  }
  return samples;
}

// Paths of chains of every kind: each column count, both samplers, drawn spend.
template <>
Samples<WalkInput> samples_of() {
  Samples<WalkInput> samples;
  const std::vector<test::Case> cases = test::parity_cases();
  samples.views.reserve(cases.size());
  for (const test::Case& c : cases) {
    const test::Prepared& prepared = samples.chains.emplace_back(c);
    samples.views.push_back(prepared.chain());
    for (std::uint32_t path = 0; path < 400; ++path) {
      samples.values.push_back({&samples.views.back(), prepared.customers[path % prepared.customers.size()],
                                prepared.spec.seed, path, std::min(c.horizon, 13U)});
    }
  }
  return samples;
}

// Runs the kernel on all samples and compares every output with the host's.
template <class In, class Out, class Function>
void compare(const std::string& kernel, const Function& on_host) {
  const Samples<In> samples = samples_of<In>();
  const auto n = static_cast<std::uint32_t>(samples.values.size());
  std::vector<Out> out(n);
  Device device(functions());
  device.give("in", samples.values);
  device.give("out", out);
  device.give("chains", samples.views);
  for (const test::Prepared& prepared : samples.chains)
    test::ptx::give_tables(device, prepared.chain(), prepared.spec.horizon);
  device.launch(kernel, (n + 127) / 128, 128, samples.values.data(), out.data(), n);
  std::uint32_t n_different = 0, first = 0;
  for (std::uint32_t i = n; i-- > 0;) {
    if (same(out[i], on_host(samples.values[i]))) continue;
    ++n_different;
    first = i;
  }
  EXPECT_EQ(n_different, 0U) << "of " << n << ", the first is sample " << first;
  std::printf("%s: %u samples, %.1f million instructions, %.1f %% of the code reached\n", kernel.c_str(), n,
              1e-6 * static_cast<double>(device.n_executed()), 100 * device.share_executed(kernel));
  // Code that no sample reaches is not compared. A normal of 32 bits never reaches AS 241's far tail, a quantile does.
  EXPECT_GE(device.share_executed(kernel), kernel == "run_normal_of" ? 0.75 : 0.9);
}

template <>
Samples<CurandInput> samples_of() {
  Samples<CurandInput> samples;
  samples.values = curand_samples();
  return samples;
}

// cuRAND's device stream is ours.
TEST(PtxFunctions, Curand) { compare<CurandInput, Words>("run_curand", as_curand); }

#define CLVSIM_PTX_TEST(name, In, Out, ...)                                         \
  TEST(PtxFunctions, name) {                                                        \
    compare<In, Out>("run_" #name, [](const In& x) -> Out { return __VA_ARGS__; }); \
  }
CLVSIM_PTX_FUNCTIONS(CLVSIM_PTX_TEST)

}  // namespace
}  // namespace clvsim::kernels
