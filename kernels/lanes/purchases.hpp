// The paths of a customer that buys (kernels/models/purchase_path.hpp on purchase_clock.hpp) on vector registers: the
// bits of those sources.
//
// A few hundred paths at once. Those that are alive get a slot; what all slots need is drawn and computed on registers:
// lives, rates, hazards, four gaps a slot and round. Purchases fall out of the gaps one by one and become events, a
// period of a slot each, in lists of which spend is drawn on registers again, those of one purchase first, then those
// of two, and so on. Every lane draws for a path of its own, whose counter is the draw's address.
//
// Behaviours that have a `begin` here are walked by it (walks<Behaviour>).
#pragma once

#include "kernels/lanes/lanes.hpp"
#include "kernels/lanes/math.hpp"
#include "kernels/lanes/philox.hpp"
#include "kernels/math/elementary.hpp"
#include "kernels/math/gamma_draws.hpp"
#include "kernels/models/list.hpp"

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace clvsim::kernels {

template <class Simd>
struct PurchaseCode {
  using Register = typename Simd::Register;
  using Doubles = typename Simd::Doubles;
  static constexpr std::uint32_t n_wide = Simd::n_lanes, group = 2 * Simd::n_lanes;
  static constexpr std::uint32_t tile = 512, capacity = 8 * tile, padding = 64;
  static constexpr std::uint32_t n_gaps = 4;                  // of a block of words
  static constexpr double two_to_62 = 4611686018427387904.0;  // fixed_limit
  static constexpr std::uint64_t most_listed_count = 8;  // purchases of a period, up to which spend is drawn in lists
  static_assert(group <= padding);

  template <class Behaviour>
  static constexpr bool walks = std::is_same_v<Behaviour, ParetoNbd> || std::is_same_v<Behaviour, BgNbd>;

  template <class Behaviour>
  static std::uint64_t walk(const RunView<PurchasePath<Behaviour>>& run,
                            const typename PurchasePath<Behaviour>::Customer& customer, const PathSumsView& sums,
                            std::int64_t* values, PathTotals& totals) {
    Paths paths;
    paths.seed = run.seed;
    paths.hash = customer.hash;
    paths.horizon = run.horizon;
    paths.weight = run.params.weight;
    paths.sums = &sums;
    paths.totals = &totals;
    paths.values = values;
    const std::uint32_t n_draws = run.params.n_draws;
    const std::uint32_t n_classes = run.params.n_classes;
    for (std::uint32_t d = 0; d < n_draws; ++d) {
      const auto* const own = &customer + std::size_t{d} * n_classes;
      const auto* const drawn = run.params.drawn + std::size_t{d} * n_classes;
      for (std::uint32_t path = d; path < run.n_paths;) {
        std::uint32_t n = 0;
        for (; n < tile && path < run.n_paths; path += n_draws) paths.all[n++] = path;
        paths.pad(n);
        if (n_classes == 1) {
          walk_tile(paths, *drawn, *own, n);
          continue;
        }
        paths.uniforms({Purpose::latent_class}, paths.all, nullptr, n, paths.life);
        std::uint32_t block[tile];
        std::uint8_t of_class[tile];
        for (std::uint32_t i = 0; i < n; ++i) {
          block[i] = paths.all[i];
          of_class[i] = static_cast<std::uint8_t>(PurchasePath<Behaviour>::class_of(own, n_classes, paths.life[i]));
        }
        for (std::uint32_t c = 0; c < n_classes; ++c) {
          std::uint32_t m = 0;
          for (std::uint32_t i = 0; i < n; ++i)
            if (of_class[i] == c) paths.all[m++] = block[i];
          paths.pad(m);
          if (m > 0) walk_tile(paths, drawn[c], own[c], m);
        }
      }
    }
    return paths.bound;
  }

 private:
  struct Paths;
  // The first n of paths.all, by one draw of the parameters and one class.
  template <class Drawn, class Customer>
  static void walk_tile(Paths& paths, const Drawn& drawn, const Customer& own, std::uint32_t n) {
    paths.spend = &drawn.spend;
    paths.own_spend = &own.spend;
    paths.uniforms({Purpose::life}, paths.all, nullptr, n, paths.life);
    paths.n_slots = paths.n_events = 0;
    begin(paths, drawn.behaviour, own.behaviour, n);
    paths.purchase();
    paths.settle(false);
    paths.finish();
  }

  struct Paths {
    std::uint64_t seed, hash;
    std::uint32_t horizon;
    const double* weight;
    const DrawnSpend* spend;
    const DrawnSpendCustomer* own_spend;
    const PathSumsView* sums;
    PathTotals* totals;
    std::int64_t* values;
    std::uint64_t bound = 0;
    std::uint32_t n_slots = 0, n_events = 0, n_phases = 1;  // phases between purchases
    bool has_budget = false;                                // of purchases: `left` is to be drawn
    LogBetaSampler dropout;                                 // where it is

    std::uint32_t all[tile + padding];  // paths
    double life[tile + padding];        // their uniforms
    // Of a slot: its path, rate, end of life, purchases left, phases up to the next purchase; the time so far, its
    // value and purchases so far, ln of the amounts' scale, and its last event.
    std::uint32_t path[tile + padding], to_next[tile], last_event[tile], last_period[tile];
    double rate[tile + padding], end[tile + padding], left[tile + padding], time[tile], level[tile];
    std::int64_t value[tile];
    std::uint64_t bought[tile];
    bool stays[tile], has_level[tile];
    // Of an event: a slot's purchases of a period.
    std::uint32_t event_slot[capacity], event_period[capacity + padding];
    std::uint64_t event_count[capacity];
    std::int64_t event_amount[capacity];
    // Lists: of slots, or of events; their paths and periods; numbers that are drawn for them.
    std::uint32_t active[tile], list[capacity + 1], many[capacity + 1], list_path[capacity + padding],
        list_period[capacity + padding];
    double number[capacity + padding], other[capacity + padding], sum[capacity + padding], gap[n_gaps][tile + padding];
    std::uint32_t rejected[capacity], rejected_path[capacity + padding], rejected_period[capacity + padding];

    [[nodiscard]] PathDraws draws(std::uint32_t of_path) const { return {seed, hash, of_path}; }
    // Registers read beyond the n-th path.
    void pad(std::uint32_t n) {
      for (std::uint32_t i = n; i < n + padding; ++i) all[i] = 0;
    }

    // The words of `index` for the paths of a group; each in its own period where `periods` is not null.
    [[gnu::always_inline]] WordRegisters<Simd> words(DrawIndex index, const std::uint32_t* paths_of,
                                                     const std::uint32_t* periods) const {
      const Words counter = counter_of(hash, 0, index);
      const Register c0[1] = {Simd::load(paths_of)};
      WordRegisters<Simd> result[1];
      if (periods == nullptr) {
        PhiloxRounds<Simd, 1> rounds(c0, counter, seed);
#pragma GCC unroll 10
        for (int round = 0; round < philox::rounds; ++round) rounds.round();
        rounds.finish(result);
      } else {
        const Register c1[1] = {
            Simd::add_32(Simd::template shift_left_32<16>(Simd::load(periods)), Simd::splat(counter.y))};
        PhiloxRounds<Simd, 1> rounds(c0, c1, counter, seed);
#pragma GCC unroll 10
        for (int round = 0; round < philox::rounds; ++round) rounds.round();
        rounds.finish(result);
      }
      return result[0];
    }

    [[gnu::always_inline]] static Register even(Register a) { return Simd::bit_and(a, Simd::splat_64(0xFFFFFFFF)); }
    [[gnu::always_inline]] static Register odd(Register a) { return Simd::template shift_right_64_by<32>(a); }
    [[gnu::always_inline]] static void store(double* to, Doubles of_even, Doubles of_odd) {
      Register first, second;
      Simd::interleave_64(Simd::to_bits(of_even), Simd::to_bits(of_odd), first, second);
      Simd::store(to, first);
      Simd::store(to + n_wide, second);
    }
    // out[i] = f(x[i], ...), i below n and up to a register beyond.
    template <class F, class... X>
    [[gnu::always_inline]] static void map(std::uint32_t n, double* out, F f, const X*... x) {
      for (std::uint32_t i = 0; i < n; i += n_wide)
        Simd::store(out + i, Simd::to_bits(f(Simd::from_bits(Simd::load(x + i))...)));
    }

    // Uniforms from 52 bits.
    [[gnu::noinline]] void uniforms(DrawIndex index, const std::uint32_t* paths_of, const std::uint32_t* periods,
                                    std::uint32_t n, double* out) const {
      for (std::uint32_t i = 0; i < n; i += group) {
        const WordRegisters<Simd> w = words(index, paths_of + i, periods == nullptr ? nullptr : periods + i);
        const auto of = [](Register low, Register high) __attribute__((always_inline)) {
          const Register bits = Simd::bit_or(Simd::template shift_left_64<32>(high), low);
          return elementary::uniform_of_bits<Simd, 52>(Simd::template shift_right_64_by<12>(bits));
        };
        store(out + i, of(even(w.word[0]), w.word[1]), of(odd(w.word[0]), odd(w.word[1])));
      }
    }

    // Normals from the first two words of a block, or from the others.
    [[gnu::noinline]] void normals(DrawIndex index, bool others, const std::uint32_t* paths_of,
                                   const std::uint32_t* periods, std::uint32_t n, double* out) const {
      for (std::uint32_t i = 0; i < n; i += group) {
        const WordRegisters<Simd> w = words(index, paths_of + i, periods == nullptr ? nullptr : periods + i);
        const Register low = others ? w.word[2] : w.word[0], high = others ? w.word[3] : w.word[1];
        const auto of = [](Register a, Register b) __attribute__((always_inline)) {
          const Register bits = Simd::bit_or(Simd::template shift_left_64<32>(b), a);
          return elementary::normal_52<Simd>(Simd::template shift_right_64_by<12>(bits));
        };
        store(out + i, of(even(low), high), of(odd(low), odd(high)));
      }
    }

    // Log-gamma draws: attempt by attempt for those that all attempts before have rejected.
    [[gnu::noinline]] void log_gammas(const LogGammaSampler& law, DrawIndex index, const std::uint32_t* paths_of,
                                      const std::uint32_t* periods, std::uint32_t n, double* out) {
      std::uint32_t n_left = 0;
      for (std::uint32_t i = 0; i < n; i += group) {
        const WordRegisters<Simd> w = words(index, paths_of + i, periods == nullptr ? nullptr : periods + i);
        std::uint32_t bits = MathCode<Simd>::propose(law, w, out + i);
        if (n - i < group) bits &= (std::uint32_t{1} << (n - i)) - 1;
        for (; bits != 0; bits &= bits - 1) rejected[n_left++] = i + static_cast<std::uint32_t>(__builtin_ctz(bits));
      }
      for (std::uint32_t attempt = 1; n_left != 0; ++attempt) {
        if (attempt == max_attempts) {
          for (std::uint32_t k = 0; k < n_left; ++k) out[rejected[k]] = law.fallback();
          totals->n_exhausted += n_left;
          return;
        }
        index.attempt = static_cast<std::uint8_t>(attempt);
        for (std::uint32_t k = 0; k < n_left; ++k) {
          rejected_path[k] = paths_of[rejected[k]];
          rejected_period[k] = periods == nullptr ? 0 : periods[rejected[k]];
        }
        std::uint32_t n_kept = 0;
        for (std::uint32_t k = 0; k < n_left; k += group) {
          const WordRegisters<Simd> w =
              words(index, rejected_path + k, periods == nullptr ? nullptr : rejected_period + k);
          double values_here[group];
          const std::uint32_t bits = MathCode<Simd>::propose(law, w, values_here);
          const std::uint32_t n_here = n_left - k < group ? n_left - k : group;
          for (std::uint32_t j = 0; j < n_here; ++j) {
            const std::uint32_t at = rejected[k + j];
            if ((bits >> j & 1U) != 0) {
              rejected[n_kept++] = at;
            } else {
              out[at] = values_here[j];
            }
          }
        }
        n_left = n_kept;
      }
    }

    // A slot for path i of the tile's.
    [[gnu::always_inline]] void add_slot(std::uint32_t i, double uniform) {
      path[n_slots] = all[i];
      number[n_slots] = uniform;
      ++n_slots;
    }
    [[gnu::always_inline]] void leave(std::uint32_t of_path, std::uint32_t period) const {
      if (sums->revenue != nullptr) ++sums->active[of_path * sums->path_stride + period * sums->period_stride];
    }

    // The rates of slots from `first` on.
    [[gnu::noinline]] void draw_rates(const LogGammaSampler& law, double log_exposure, std::uint32_t first) {
      const std::uint32_t n = n_slots - first;
      for (std::uint32_t i = 0; i < n; ++i) list_path[i] = path[first + i];
      log_gammas(law, {Purpose::purchase_rate}, list_path, nullptr, n, other);
      map(
          n, other,
          [log_exposure](Doubles g) __attribute__((always_inline)) {
            return elementary::exp<Simd>(Simd::subtract(g, Simd::splat_double(log_exposure)));
          },
          other);
      for (std::uint32_t i = 0; i < n; ++i) rate[first + i] = other[i];
    }

    // The purchases up to the last, of the slots of `list`.
    [[gnu::noinline]] void draw_budgets(std::uint32_t n) {
      constexpr double most = 4503599627370496.0;  // 2^52
      for (std::uint32_t i = 0; i < n; ++i) list_path[i] = path[list[i]];
      log_gammas(dropout.a, {Purpose::dropout}, list_path, nullptr, n, number);
      log_gammas(dropout.b, {Purpose::dropout, 0, 0, 1}, list_path, nullptr, n, other);
      map(
          n, other, [](Doubles a, Doubles b) __attribute__((always_inline)) {
            return elementary::softplus<Simd>(Simd::subtract(a, b));
          },
          number, other);
      for (std::uint32_t i = 0; i < n; i += group) {
        const WordRegisters<Simd> w = words({Purpose::dropout_budget}, list_path + i, nullptr);
        const auto of = [](Register low, Register high) __attribute__((always_inline)) {
          const Register bits = Simd::bit_or(Simd::template shift_left_64<32>(high), low);
          return elementary::exponential_52<Simd>(Simd::template shift_right_64_by<12>(bits));
        };
        store(number + i, of(even(w.word[0]), w.word[1]), of(odd(w.word[0]), odd(w.word[1])));
      }
      for (std::uint32_t i = 0; i < n; ++i) {
        const double survived = number[i] / other[i];
        if (survived < most) left[list[i]] = static_cast<double>(static_cast<std::uint64_t>(survived)) + 1;
      }
    }

    // Four gaps of every active slot.
    [[gnu::noinline]] void draw_gaps(std::uint32_t n_active, std::uint32_t round) {
      for (std::uint32_t i = 0; i < n_active; ++i) {
        list_path[i] = path[active[i]];
        number[i] = rate[active[i]];
      }
      for (std::uint32_t i = n_active; i < n_active + padding; ++i) number[i] = 1;
      const DrawIndex index{Purpose::purchase_gap, round & 0xFFFF, 0, static_cast<std::uint8_t>(round >> 16)};
      for (std::uint32_t i = 0; i < n_active; i += group) {
        const WordRegisters<Simd> w = words(index, list_path + i, nullptr);
        const Doubles first = Simd::from_bits(Simd::load(number + i)),
                      second = Simd::from_bits(Simd::load(number + i + n_wide));
        const auto hazard = [](Register word) __attribute__((always_inline)) {
          const Doubles u = elementary::uniform_of_bits<Simd, 32>(word);
          return Simd::to_bits(Simd::subtract(Simd::splat_double(0), elementary::log_of_normal<Simd>(u)));
        };
#pragma GCC unroll 4
        for (std::uint32_t k = 0; k < n_gaps; ++k) {
          Register low, high;
          Simd::interleave_64(hazard(even(w.word[k])), hazard(odd(w.word[k])), low, high);
          Simd::store(gap[k] + i, Simd::to_bits(Simd::divide(Simd::from_bits(low), first)));
          Simd::store(gap[k] + i + n_wide, Simd::to_bits(Simd::divide(Simd::from_bits(high), second)));
        }
      }
    }

    [[gnu::always_inline]] void add_event(std::uint32_t slot, std::uint32_t period, std::uint64_t count) {
      event_slot[n_events] = slot;
      event_period[n_events] = period;
      event_count[n_events] = count;
      last_event[slot] = n_events++;
      last_period[slot] = period;
    }

    // Every purchase of every slot.
    [[gnu::noinline]] void purchase() {
      const double last = horizon;
      std::uint32_t n_active = 0, n_counted = 0;
      std::uint32_t counted[tile];  // slots whose phases are counted, period by period
      for (std::uint32_t s = 0; s < n_slots; ++s) {
        time[s] = 0;
        value[s] = 0;
        bought[s] = 0;
        last_period[s] = never_due;
        has_level[s] = false;
        stays[s] = !(end[s] < last);
        if (!stays[s]) leave(path[s], static_cast<std::uint32_t>(end[s]));
        if (rate[s] <= largest_gap_rate) {
          active[n_active++] = s;
        } else {
          counted[n_counted++] = s;
        }
      }
      if (n_active != 0) draw_gaps(n_active, 0);
      if (has_budget) {
        std::uint32_t n = 0;
        for (std::uint32_t i = 0; i < n_active; ++i)
          if (gap[0][i] < last) list[n++] = active[i];
        for (std::uint32_t i = 0; i < n_counted; ++i) list[n++] = counted[i];
        if (n != 0) draw_budgets(n);
      }
      for (std::uint32_t round = 0; n_active != 0; draw_gaps(n_active, ++round)) {
        if (n_events + n_gaps * n_active > capacity) settle(true);
        std::uint32_t n_kept = 0;
        for (std::uint32_t i = 0; i < n_active; ++i) {
          const std::uint32_t s = active[i];
          const double stop = end[s] < last ? end[s] : last;
          double now = time[s];
          bool goes_on = true;
          for (std::uint32_t k = 0; k < n_gaps; ++k) {
            now += gap[k][i];
            goes_on = now < stop;
            if (!goes_on) break;
            if (--to_next[s] != 0) continue;
            to_next[s] = n_phases;
            const auto period = static_cast<std::uint32_t>(now);
            if (last_period[s] == period) {
              ++event_count[last_event[s]];
            } else {
              add_event(s, period, 1);
            }
            left[s] -= 1;
            goes_on = left[s] != 0;
            if (goes_on) continue;
            stays[s] = false;
            leave(path[s], period);
            break;
          }
          time[s] = now;
          if (goes_on) active[n_kept++] = s;
        }
        n_active = n_kept;
        if (n_active == 0) break;
      }
      for (std::uint32_t i = 0; i < n_counted; ++i) count_purchases(counted[i]);
    }

    // A slot whose phases are many: their number in each period.
    [[gnu::noinline, gnu::flatten]] void count_purchases(std::uint32_t s) {
      std::uint32_t n_exhausted = 0;
      for (std::uint32_t t = 0; t < horizon; ++t) {
        const double first = t, next = first + 1, until = end[s] < next ? end[s] : next;
        const PoissonSampler phases(rate[s] * (until > first ? until - first : 0));
        const std::uint64_t done =
            n_phases - to_next[s] + phases(draws(path[s]), {Purpose::phase_count, t}, n_exhausted);
        std::uint64_t n = done / n_phases;
        to_next[s] = n_phases - static_cast<std::uint32_t>(done % n_phases);
        if (!(static_cast<double>(n) < left[s])) n = static_cast<std::uint64_t>(left[s]);
        left[s] -= static_cast<double>(n);
        if (n != 0) {
          if (n_events == capacity) settle(false);
          add_event(s, t, n);
        }
        if (left[s] == 0) {
          stays[s] = false;
          leave(path[s], t);
        }
        if (left[s] == 0 || end[s] < next) break;
      }
      totals->n_exhausted += n_exhausted;
    }

    // Draws what the events cost and adds them to their slots. `open`: the last event of a slot may still grow, and
    // stays.
    [[gnu::noinline, gnu::flatten]] void settle(bool open) {
      std::uint32_t n = n_events, n_open = 0;
      if (open) {
        n = 0;
        for (std::uint32_t e = 0; e < n_events; ++e) {
          const std::uint32_t s = event_slot[e];
          if (last_event[s] == e) {
            list[n_open] = s;
            list_path[n_open] = event_period[e];
            rejected[n_open++] = static_cast<std::uint32_t>(event_count[e]);
          } else {
            event_slot[n] = s;
            event_period[n] = event_period[e];
            event_count[n++] = event_count[e];
          }
        }
        // Behind those that are settled, until these are gone.
        for (std::uint32_t i = 0; i < n_open; ++i) {
          event_slot[n + i] = list[i];
          event_period[n + i] = list_path[i];
          event_count[n + i] = rejected[i];
        }
      }
      if (n != 0) {
        draw_spend_levels(n);
        draw_amounts(n);
        add_up(n);
      }
      n_events = 0;
      for (std::uint32_t i = 0; i < n_open; ++i) add_event(event_slot[n + i], event_period[n + i], event_count[n + i]);
    }

    // Of the slots of the first n events that have none yet.
    [[gnu::noinline]] void draw_spend_levels(std::uint32_t n) {
      std::uint32_t n_new = 0;
      for (std::uint32_t e = 0; e < n; ++e) {
        const std::uint32_t s = event_slot[e];
        if (has_level[s]) continue;
        has_level[s] = true;
        list[n_new] = s;
        list_path[n_new++] = path[s];
      }
      if (n_new == 0) return;
      if (spend->within_sd > 0) {
        normals({Purpose::spend_rate}, false, list_path, nullptr, n_new, number);
        for (std::uint32_t i = 0; i < n_new; ++i)
          level[list[i]] = own_spend->log_scale + own_spend->level_sd * number[i];
      } else {
        log_gammas(own_spend->level, {Purpose::spend_rate}, list_path, nullptr, n_new, number);
        for (std::uint32_t i = 0; i < n_new; ++i) level[list[i]] = own_spend->log_scale - number[i];
      }
    }

    [[gnu::noinline, gnu::flatten]] void draw_amounts(std::uint32_t n) {
      std::uint32_t n_exhausted = 0;
      count_positive(n, n_exhausted);
      // Most events are of one purchase: without a branch.
      std::uint32_t n_ones = 0, n_many = 0;
      for (std::uint32_t e = 0; e < n; ++e) {
        const bool is_one = event_amount[e] == 1;
        list[n_ones] = many[n_many] = e;
        n_ones += is_one ? 1 : 0;
        n_many += is_one ? 0 : 1;
      }
      draw_totals(1, n_ones);
      for (std::uint64_t count = 2; count <= most_listed_count && n_many != 0; ++count) {
        std::uint32_t n_these = 0, n_kept = 0;
        for (std::uint32_t i = 0; i < n_many; ++i) {
          const std::uint32_t e = many[i];
          if (event_amount[e] == static_cast<std::int64_t>(count)) {
            list[n_these++] = e;
          } else {
            many[n_kept++] = e;
          }
        }
        n_many = n_kept;
        if (n_these != 0) draw_totals(static_cast<std::uint32_t>(count), n_these);
      }
      for (std::uint32_t i = 0; i < n_many; ++i) {
        const std::uint32_t e = many[i], s = event_slot[e];
        event_amount[e] = spend_detail::total(*spend, level[s], static_cast<std::uint64_t>(event_amount[e]),
                                              Purpose::spend_total, event_period[e], draws(path[s]), n_exhausted);
      }
      totals->n_exhausted += n_exhausted;
    }

    // The amounts of the n events of `list`, of `count` purchases each.
    [[gnu::noinline, gnu::flatten]] void draw_totals(std::uint32_t count, std::uint32_t n) {
      for (std::uint32_t i = 0; i < n; ++i) {
        const std::uint32_t e = list[i], s = event_slot[e];
        list_path[i] = path[s];
        list_period[i] = event_period[e];
        other[i] = level[s];
      }
      if (spend->within_sd > 0) {
        const Doubles sd = Simd::splat_double(spend->within_sd);
        for (std::uint32_t i = 0; i < n + n_wide; ++i) sum[i] = 0;
        for (std::uint32_t k = 0; k < count; ++k) {
          normals({Purpose::spend_total, 0, 0, static_cast<std::uint8_t>(k >> 1)}, (k & 1U) != 0, list_path,
                  list_period, n, number);
          map(
              n, sum,
              [sd](Doubles so_far, Doubles z, Doubles log_level) __attribute__((always_inline)) {
                return Simd::add(so_far, elementary::exp<Simd>(Simd::add(log_level, Simd::multiply(sd, z))));
              },
              sum, number, other);
        }
      } else {
        const LogGammaSampler law =
            count == 1 ? spend->one : LogGammaSampler(static_cast<double>(count) * spend->shape);
        log_gammas(law, {Purpose::spend_total}, list_path, list_period, n, number);
        map(
            n, sum, [](Doubles g, Doubles log_level) __attribute__((always_inline)) {
              return elementary::exp<Simd>(Simd::add(g, log_level));
            },
            number, other);
      }
      map(
          n, number, [](Doubles x) __attribute__((always_inline)) {
            const Doubles whole = Simd::truncate(x);
            const auto down = Simd::less(Simd::subtract(x, whole), Simd::splat_double(0.5));
            const Doubles rounded = Simd::add(whole, Simd::select(down, Simd::splat_double(0), Simd::splat_double(1)));
            return Simd::select(Simd::less(x, Simd::splat_double(two_to_62)), rounded, Simd::splat_double(two_to_62));
          },
          sum);
      for (std::uint32_t i = 0; i < n; ++i) event_amount[list[i]] = static_cast<std::int64_t>(number[i]);
    }

    // How many of an event's purchases are positive, in place of its amount. Where free ones are rare it is all of them
    // as a rule, which one uniform says (BinomialSampler); else it is drawn as that says.
    [[gnu::noinline, gnu::flatten]] void count_positive(std::uint32_t n, std::uint32_t& n_exhausted) {
      for (std::uint32_t e = 0; e < n; ++e) event_amount[e] = static_cast<std::int64_t>(event_count[e]);
      if (spend->positive_share == 1) return;
      double all_positive[most_listed_count + 1] = {};  // the uniforms below which all are, by the number of purchases
      for (std::uint64_t count = 1; count <= most_listed_count; ++count) {
        const BinomialSampler law(count, spend->positive_share);
        if (law.counts_failures && law.mean_successes < smallest_rejection_mean) all_positive[count] = law.p_0;
      }
      for (std::uint32_t e = 0; e < n; ++e) list_path[e] = path[event_slot[e]];
      uniforms({Purpose::spend_positive}, list_path, event_period, n, number);
      for (std::uint32_t e = 0; e < n; ++e) {
        if (event_count[e] <= most_listed_count && number[e] < all_positive[event_count[e]]) continue;
        event_amount[e] = static_cast<std::int64_t>(spend_detail::share_of(event_count[e], spend->positive_share,
                                                                           Purpose::spend_positive, event_period[e],
                                                                           draws(list_path[e]), n_exhausted));
      }
    }

    // round_to_fixed, without branches on what is left of a number.
    [[gnu::always_inline]] static std::int64_t rounded(double x) {
      if (!(x < two_to_62)) return fixed_limit;
      if (x <= -two_to_62) return -fixed_limit;
      const auto whole = static_cast<std::int64_t>(x);
      const double rest = x - static_cast<double>(whole);
      return whole + static_cast<std::int64_t>(rest >= 0.5) - static_cast<std::int64_t>(rest <= -0.5);
    }

    [[gnu::noinline, gnu::flatten]] void add_up(std::uint32_t n) {
      constexpr std::uint64_t most = 0xFFFFFFFF;
      std::uint64_t n_saturated = 0, max_drawn = totals->max_drawn, max_purchases = totals->max_purchases;
      std::uint32_t n_exhausted = 0;
      // Sums by period lie far apart: they are asked for some events ahead.
      constexpr std::uint32_t ahead = 16;
      const auto place = [&](std::uint32_t e) {
        return path[event_slot[e]] * sums->path_stride + event_period[e] * sums->period_stride;
      };
      for (std::uint32_t e = 0; e < n; ++e) {
        const std::uint32_t s = event_slot[e], t = event_period[e];
        if (sums->revenue != nullptr && e + ahead < n) {
          const std::uint64_t later = place(e + ahead);
          __builtin_prefetch(sums->revenue + later, 1);
          __builtin_prefetch(sums->transactions + later, 1);
        }
        bool beyond = saturated(event_amount[e]);
        std::int64_t net = event_amount[e];
        if (spend->refund_rate != 0) {
          const std::uint64_t n_refunds = spend_detail::share_of(event_count[e], spend->refund_rate,
                                                                 Purpose::refund_count, t, draws(path[s]), n_exhausted);
          const std::int64_t refunded = spend_detail::total(*spend, level[s] + spend->log_refund, n_refunds,
                                                            Purpose::refund_total, t, draws(path[s]), n_exhausted);
          beyond = beyond || saturated(refunded);
          net = add_fixed(net, -refunded);
        }
        const double amount = static_cast<double>(net) * fixed_per_minor_unit;
        const std::int64_t cash = rounded(amount), worth = rounded(weight[t] * amount);
        const auto count = static_cast<std::uint32_t>(event_count[e] < most ? event_count[e] : most);
        beyond = beyond || saturated(cash) || saturated(worth) || event_count[e] > most;
        n_saturated += beyond ? 1 : 0;
        value[s] = add_fixed(value[s], worth);
        bought[s] += count;
        const std::uint64_t size = distance(cash, 0);
        max_drawn = size > max_drawn ? size : max_drawn;
        max_purchases = count > max_purchases ? count : max_purchases;
        if (sums->revenue == nullptr) continue;
        const std::uint64_t at = place(e);
        sums->revenue[at] += static_cast<std::uint64_t>(cash);
        sums->transactions[at] += count;
      }
      totals->n_saturated += n_saturated;
      totals->n_exhausted += n_exhausted;
      totals->max_drawn = max_drawn;
      totals->max_purchases = max_purchases;
    }

    [[gnu::noinline, gnu::flatten]] void finish() {
      for (std::uint32_t s = 0; s < n_slots; ++s) {
        values[path[s]] = value[s];
        sums->total[path[s]] += static_cast<std::uint64_t>(value[s]);
        const std::uint64_t size = distance(value[s], 0);
        bound = size > bound ? size : bound;
        totals->n_saturated += saturated(value[s]) ? 1 : 0;
        totals->n_active += stays[s] ? 1 : 0;
        if (bought[s] == 0) continue;
        totals->transactions.add(bought[s]);
        totals->transactions_squares.add(static_cast<u128>(bought[s]) * bought[s]);
      }
    }
  };

  // Slots for those of a tile's paths that are alive at the end of observation, with what follows from their history.

  [[gnu::noinline]] static void begin(Paths& paths, const ParetoNbd::Params&, const ParetoNbd::Customer& customer,
                                      std::uint32_t n) {
    for (std::uint32_t i = 0; i < n; ++i) {
      if (paths.life[i] < customer.p_alive) {
        paths.add_slot(i, paths.life[i]);
      } else {
        paths.values[paths.all[i]] = 0;
        paths.leave(paths.all[i], 0);
      }
    }
    const Doubles p_alive = Simd::splat_double(customer.p_alive), inverse_s = Simd::splat_double(customer.inverse_s),
                  scale = Simd::splat_double(customer.life_scale), zero = Simd::splat_double(0),
                  one = Simd::splat_double(1);
    Paths::map(
        paths.n_slots, paths.end,
        [&](Doubles u) __attribute__((always_inline)) {
          const Doubles hazard =
              Simd::multiply(Simd::subtract(zero, elementary::log<Simd>(Simd::divide(u, p_alive))), inverse_s);
          return Simd::multiply(scale, Simd::subtract(elementary::exp<Simd>(hazard), one));
        },
        paths.number);
    paths.n_phases = 1;
    paths.has_budget = false;
    for (std::uint32_t s = 0; s < paths.n_slots; ++s) {
      paths.left[s] = elementary::infinity;
      paths.to_next[s] = 1;
    }
    paths.draw_rates(customer.rate, customer.log_exposure, 0);
  }

  [[gnu::noinline, gnu::flatten]] static void begin(Paths& paths, const BgNbd::Params& params,
                                                    const BgNbd::Customer& customer, std::uint32_t n) {
    for (std::uint32_t i = 0; i < n; ++i) {
      if (paths.life[i] < customer.until[params.n_phases - 1]) continue;
      paths.values[paths.all[i]] = 0;
      paths.leave(paths.all[i], 0);
    }
    paths.n_phases = params.n_phases;
    paths.has_budget = true;
    paths.dropout = customer.dropout;
    double from = 0;
    for (std::uint32_t phase = 0; phase < params.n_phases; ++phase) {
      const std::uint32_t first = paths.n_slots;
      for (std::uint32_t i = 0; i < n; ++i) {
        if (paths.life[i] < customer.until[phase] && paths.life[i] >= from) paths.add_slot(i, paths.life[i]);
      }
      from = customer.until[phase];
      for (std::uint32_t s = first; s < paths.n_slots; ++s) {
        paths.end[s] = paths.left[s] = elementary::infinity;
        paths.to_next[s] = params.n_phases - phase;
      }
      if (paths.n_slots == first) continue;
      const LogGammaSampler law = phase == 0 ? customer.rate : LogGammaSampler(customer.rate_shape + phase);
      paths.draw_rates(law, customer.log_exposure, first);
    }
  }
};

}  // namespace clvsim::kernels
