// The walks of models but migration chains: by vector code (purchases.hpp), or of models that have none by their
// source, compiled with fused multiply-adds as instructions: everything that it calls is inlined, which takes long to
// compile. AVX-512 would give nothing more than AVX2, whose walk it takes.
#pragma once

#include "kernels/lanes/lanes.hpp"
#include "kernels/lanes/purchases.hpp"
#include "kernels/stats/team.hpp"

namespace clvsim::kernels {

// A team of one whose templates are this instruction set's own.
template <class Simd>
struct LaneTeam : SoloTeam {};

template <class Simd>
struct PathCode {
  static constexpr bool fused = Simd::n_lanes == 4;  // AVX2 comes with fused multiply-adds

  template <class Model>
  [[gnu::flatten]] static std::uint64_t walk_inlined(const RunView<Model>& run,
                                                     const typename Model::Customer& customer, const PathSumsView& sums,
                                                     std::int64_t* values, PathTotals& totals) {
    return walk(run, customer, sums, values, totals);
  }
  template <class Model>
  static std::uint64_t walk(const RunView<Model>& run, const typename Model::Customer& customer,
                            const PathSumsView& sums, std::int64_t* values, PathTotals& totals) {
    LaneTeam<Simd> team;
    walk_paths<Model>(team, run, customer, sums, values, totals);
    std::uint64_t bound = 0;
    for (std::uint32_t p = 0; p < run.n_paths; ++p) {
      const std::uint64_t size = distance(values[p], 0);
      bound = size > bound ? size : bound;
    }
    return bound;
  }

  // Of models that have vector code.
  template <class Model>
  struct Vector {
    static constexpr PathWalker<Model> walker = nullptr;
  };
  template <class Behaviour>
  requires(PurchaseCode<Simd>::template walks<Behaviour>) struct Vector<PurchasePath<Behaviour>> {
    static constexpr PathWalker<PurchasePath<Behaviour>> walker = PurchaseCode<Simd>::template walk<Behaviour>;
  };

  template <class Model>
  static constexpr bool has_walk = !std::is_same_v<Model, MigrationChainModel>;  // whose own is chain.hpp

  template <class Model>
  static constexpr PathWalker<Model> walker() {
    if constexpr (Simd::n_lanes > 1 && Vector<Model>::walker != nullptr) {
      return Vector<Model>::walker;
    } else if constexpr (has_walk<Model> && fused) {
      return walk_inlined<Model>;
    } else if constexpr (has_walk<Model> && Simd::n_lanes == 1) {
      return walk<Model>;
    } else {
      return nullptr;
    }
  }
  template <class... Model>
  static constexpr std::tuple<PathWalker<Model>...> table(ModelList<Model...>) {
    return {walker<Model>()...};
  }
};

}  // namespace clvsim::kernels
