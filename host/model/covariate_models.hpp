// Models of purchases and of contracts whose customers have covariates: the model itself, with every customer's own
// parameters. Histories and tenures name a row of the table of covariates.
#pragma once

#include <clvsim/contract_models.hpp>
#include <clvsim/covariates.hpp>
#include <clvsim/error.hpp>
#include <clvsim/purchase_models.hpp>

#include <fmt/format.h>

#include "host/math/special.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace clvsim {

// The covariates of a table in a model whose own parameters are called `own`.
class CovariateRows {
 public:
  CovariateRows(const CovariateTable& table, std::span<const std::string_view> own,
                std::span<const CovariateEffect> effects);
  CovariateRows(const CovariateRows&) = delete;
  CovariateRows& operator=(const CovariateRows&) = delete;

  [[nodiscard]] std::span<const double> z(std::uint32_t row) const {
    return std::span(z_).subspan(row * n_covariates_, n_covariates_);
  }
  // The sum over runs of rows with the same covariates, as log_likelihood has it.
  template <class Model, class Item>
  [[nodiscard]] double log_likelihood(const Model& model, std::span<const double> p, std::span<const Item> items,
                                      std::span<double> gradient, auto... each) const {
    CompensatedSum sum;
    std::vector<double> own(gradient.empty() ? 0 : parameters.n_own());
    std::fill(gradient.begin(), gradient.end(), 0.0);
    for (std::size_t first = 0, last = 0; first < items.size(); first = last) {
      while (last < items.size() && items[last].covariates == items[first].covariates) ++last;
      const auto of_row = z(items[first].covariates);
      sum.add(model.log_likelihood(parameters.of(p, of_row), items.subspan(first, last - first), own,
                                   part_of(each, first, last)...));
      if (!gradient.empty()) parameters.add_gradient(own, of_row, gradient);
    }
    return sum.value();
  }

  CovariateParameters parameters;
  std::vector<std::string_view> names;

 private:
  static std::span<double> part_of(std::span<double> each, std::size_t first, std::size_t last) {
    return each.empty() ? each : each.subspan(first, last - first);
  }
  std::size_t n_covariates_;
  std::vector<double> z_;  // [rows, covariates]
  std::vector<std::string> added_;
};

// Why a fit with covariates may have no maximum, and what to do.
inline constexpr std::string_view covariates_unclear =
    "the data do not tell the model's parameters apart: covariates may follow from one another (leave one out), hold "
    "for too few customers, or leave too few differences between customers; fit fewer covariates, or more customers";

// Throws DataError where an item names a row that the table does not have.
template <class Item>
void check_rows(const CovariateTable& table, std::span<const Item> items) {
  for (std::size_t i = 0; i < items.size(); ++i)
    if (items[i].covariates >= table.rows())
      throw DataError(fmt::format("history no. {} has row {} of a table of covariates with {} rows", i + 1,
                                  items[i].covariates, table.rows()));
}

class CovariatePurchases final : public PurchaseModel {
 public:
  CovariatePurchases(const PurchaseModel& model, const CovariateTable& table)
      : model_(model), rows_(table, model.parameter_names(), model.covariate_effects()) {}

  [[nodiscard]] std::string name() const override { return model_.name(); }
  [[nodiscard]] std::span<const std::string_view> parameter_names() const override { return rows_.names; }
  [[nodiscard]] std::string_view dropout() const override { return model_.dropout(); }
  [[nodiscard]] std::string fault_of(const PurchaseHistory& history) const override { return model_.fault_of(history); }
  [[nodiscard]] bool is_time(std::size_t parameter) const override {
    return parameter < rows_.parameters.n_own() && model_.is_time(parameter);
  }
  [[nodiscard]] int regularity() const override { return model_.regularity(); }
  [[nodiscard]] std::span<const CovariateEffect> covariate_effects() const override { return {}; }
  // No effects.
  [[nodiscard]] std::vector<double> start(std::span<const PurchaseHistory> histories) const override {
    std::vector<double> from = model_.start(histories);
    from.resize(rows_.parameters.size(), 1);
    return from;
  }
  [[nodiscard]] double log_likelihood(std::span<const double> p, std::span<const PurchaseHistory> histories,
                                      std::span<double> gradient, std::span<double> each) const override {
    return rows_.log_likelihood(model_, p, histories, gradient, each);
  }
  [[nodiscard]] double p_alive(std::span<const double> p, const PurchaseHistory& h) const override {
    return model_.p_alive(own(p, h), h);
  }
  [[nodiscard]] double expected_purchases(std::span<const double> p, const PurchaseHistory& h,
                                          double t) const override {
    return model_.expected_purchases(own(p, h), h, t);
  }
  // With the covariates of the first row.
  [[nodiscard]] double expected_of_new(std::span<const double> p, double t) const override {
    return model_.expected_of_new(own(p, {}), t);
  }
  [[nodiscard]] std::vector<double> purchase_distribution(std::span<const double> p, const PurchaseHistory& h, double t,
                                                          int n_max) const override {
    return model_.purchase_distribution(own(p, h), h, t, n_max);
  }
  [[nodiscard]] std::optional<double> dert(std::span<const double> p, const PurchaseHistory& h,
                                           double rate) const override {
    return model_.dert(own(p, h), h, rate);
  }

 private:
  [[nodiscard]] std::vector<double> own(std::span<const double> p, const PurchaseHistory& h) const {
    return rows_.parameters.of(p, rows_.z(h.covariates));
  }
  const PurchaseModel& model_;
  CovariateRows rows_;
};

// For fits: curves are those of the first row.
class CovariateContracts final : public ContractModel {
 public:
  CovariateContracts(const ContractModel& model, const CovariateTable& table)
      : model_(model), rows_(table, model.parameter_names(), model.covariate_effects()) {}

  [[nodiscard]] std::string_view name() const override { return model_.name(); }
  [[nodiscard]] std::span<const std::string_view> parameter_names() const override { return rows_.names; }
  [[nodiscard]] std::span<const CovariateEffect> covariate_effects() const override { return {}; }
  [[nodiscard]] double log_likelihood(std::span<const double> p, std::span<const Tenure> tenures,
                                      std::span<double> gradient) const override {
    return rows_.log_likelihood(model_, p, tenures, gradient);
  }
  [[nodiscard]] double survival(std::span<const double> p, double t) const override {
    return model_.survival(rows_.parameters.of(p, rows_.z(0)), t);
  }
  [[nodiscard]] double retention(std::span<const double> p, std::int32_t t) const override {
    return model_.retention(rows_.parameters.of(p, rows_.z(0)), t);
  }

 private:
  const ContractModel& model_;
  CovariateRows rows_;
};

}  // namespace clvsim
