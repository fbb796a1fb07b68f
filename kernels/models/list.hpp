// Every behaviour model that the engine is compiled for; the launchers and the parity tests read it.
#pragma once

#include "kernels/models/bg_bb.hpp"
#include "kernels/models/bg_nbd.hpp"
#include "kernels/models/contract_path.hpp"
#include "kernels/models/dirichlet_chain.hpp"
#include "kernels/models/migration_chain.hpp"
#include "kernels/models/pareto_nbd.hpp"
#include "kernels/models/purchase_path.hpp"

#include <cstddef>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace clvsim::kernels {

template <class... Model>
struct ModelList {
  static constexpr std::size_t size = sizeof...(Model);
  // Of one of the models.
  using Params = std::variant<typename Model::Params...>;
  using Customers = std::variant<std::vector<typename Model::Customer>...>;
  using CustomerSpan = std::variant<std::span<const typename Model::Customer>...>;
  using Drawn = std::variant<std::vector<typename Model::Drawn>...>;
  // One of each model.
  template <template <class> class Of>
  using Each = std::tuple<Of<Model>...>;

  template <class M>
  static constexpr std::size_t index_of() {
    std::size_t i = 0;
    static_cast<void>(((std::is_same_v<M, Model> || (++i, false)) || ...));
    return i;
  }
  // Calls f(std::type_identity<M>()) with the model that is at `index` of the list.
  template <class F>
  static void with(std::size_t index, F&& f) {
    static_cast<void>(((index_of<Model>() == index && (f(std::type_identity<Model>()), true)) || ...));
  }
};

using BehaviourModels = ModelList<MigrationChainModel, PurchasePath<ParetoNbd>, PurchasePath<BgNbd>, PurchasePath<BgBb>,
                                  ContractPath, DirichletChain>;
using AnyParams = BehaviourModels::Params;
using AnyCustomers = BehaviourModels::Customers;
using CustomerSpan = BehaviourModels::CustomerSpan;
using AnyDrawn = BehaviourModels::Drawn;  // draws of parameters

// The vector of a model's elements, which replaces another model's.
template <class Element, class AnyVector>
std::vector<Element>& vector_of(AnyVector& any) {
  using Vector = std::vector<Element>;
  if (auto* const elements = std::get_if<Vector>(&any)) return *elements;
  return any.template emplace<Vector>();
}
template <class Customer>
std::vector<Customer>& customers_of(AnyCustomers& any) {
  return vector_of<Customer>(any);
}
// Parameters of a sparse model from its draws, which outlive them; of a model of purchases these are [draws, classes].
inline AnyParams params_of(const AnyDrawn& drawn, const double* weight, std::uint32_t n_classes = 1) {
  AnyParams params;
  BehaviourModels::with(drawn.index(), [&]<class Model>(std::type_identity<Model>) {
    if constexpr (Model::sparse) {
      const auto& all = std::get<std::vector<typename Model::Drawn>>(drawn);
      typename Model::Params of{all.data(), weight, static_cast<std::uint32_t>(all.size()) / n_classes};
      if constexpr (requires { of.n_classes; }) of.n_classes = n_classes;
      params = of;
    }
  });
  return params;
}

// Bytes of a customer's records.
inline std::size_t customer_bytes(const AnyParams& params) {
  std::size_t bytes = 0;
  BehaviourModels::with(params.index(), [&]<class Model>(std::type_identity<Model>) {
    bytes = sizeof(typename Model::Customer) * Model::records(std::get<typename Model::Params>(params));
  });
  return bytes;
}

inline std::size_t size_of(const CustomerSpan& customers) {
  return std::visit([](const auto& span) { return span.size(); }, customers);
}
inline CustomerSpan part_of(const CustomerSpan& customers, std::size_t first, std::size_t n) {
  return std::visit([&](const auto& span) -> CustomerSpan { return span.subspan(first, n); }, customers);
}
inline CustomerSpan span_of(const AnyCustomers& customers) {
  return std::visit([](const auto& all) -> CustomerSpan { return std::span(all.data(), all.size()); }, customers);
}

}  // namespace clvsim::kernels
