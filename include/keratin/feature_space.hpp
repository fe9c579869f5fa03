#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <keratin/export.hpp>
#include <keratin/layer.hpp>
#include <keratin/model.hpp>
#include <keratin/symbolic.hpp>
#include <keratin/tensor.hpp>

namespace keratin::utils {

/// A column of a table: what it holds, the layer that makes numbers of it, and
/// how those numbers go on: as they are ("int", "float") or as "one_hot".
struct Feature {
  std::string dtype;  // "float32", "int32", "string"
  Layer preprocessor;
  std::string output_mode;
};

/// Columns whose combinations are hashed into crossing_dim bins.
struct Cross {
  std::vector<std::string> feature_names;
  std::int64_t crossing_dim = 32;
  std::string output_mode = "one_hot";  // or "int"

  /// "a_X_b".
  std::string name() const;
};

struct FeatureSpaceOptions {
  std::string output_mode = "concat";  // or "dict"
  std::vector<Cross> crosses = {};
  std::int64_t hashing_dim = 32;              // of "integer_hashed", ...
  std::int64_t num_discretization_bins = 32;  // of "float_discretized"
  std::string name = {};
};

/// Keras's FeatureSpace: a table of mixed columns as numbers for a model.
///
///   FeatureSpace space({{"age", "float_normalized"},
///                       {"city", "string_categorical"}},
///                      {.crosses = {{{"age_group", "city"}, 64}}});
///   space.adapt({{"age", ages}, {"city", cities}});
///   Tensor x = space({{"age", ages}, {"city", cities}});
///
/// Columns come sorted by name, then crosses. A handle: copies share state.
class KERATIN_API FeatureSpace {
 public:
  using Columns = std::vector<std::pair<std::string, Tensor>>;

  /// A kind of column by its name ("float", "float_rescaled",
  /// "float_normalized", "float_discretized", "integer_categorical",
  /// "string_categorical", "integer_hashed", "string_hashed"), or a Feature.
  using Kind = std::variant<std::string, Feature>;

  explicit FeatureSpace(
      std::vector<std::pair<std::string, Kind>> features,
      FeatureSpaceOptions options = {});

  FeatureSpace(
      std::initializer_list<std::pair<std::string, Kind>> features,
      FeatureSpaceOptions options = {});

  // Keras's kinds with arguments of their own. (`float` is a word of C++.)
  static Feature float_feature();
  static Feature float_rescaled(double scale = 1, double offset = 0);
  static Feature float_normalized();
  static Feature float_discretized(
      std::int64_t num_bins, const std::string& output_mode = "one_hot");
  static Feature float_discretized(
      std::vector<double> bin_boundaries,
      const std::string& output_mode = "one_hot");
  static Feature integer_categorical(
      std::optional<std::int64_t> max_tokens = {},
      std::int64_t num_oov_indices = 1,
      const std::string& output_mode = "one_hot");
  static Feature string_categorical(
      std::optional<std::int64_t> max_tokens = {},
      std::int64_t num_oov_indices = 1,
      const std::string& output_mode = "one_hot");
  static Feature integer_hashed(
      std::int64_t num_bins, const std::string& output_mode = "one_hot");
  static Feature string_hashed(
      std::int64_t num_bins, const std::string& output_mode = "one_hot");

  /// Adapts the columns' layers that need it. [n] or [n, ...] each.
  void adapt(const Columns& columns);

  /// The columns as one array [n, width]. Throws InvalidArgument before adapt,
  /// for a column that is missing, and in output mode "dict".
  Tensor operator()(const Columns& columns) const;

  /// Each column and cross by name, in either mode.
  std::map<std::string, Tensor> encode(const Columns& columns) const;

  /// For a functional model: an input per column, in the order of features, and
  /// what becomes of them. REQUIRES: adapted, if a layer needs it.
  std::vector<SymbolicTensor> get_inputs() const;
  SymbolicTensor get_encoded_features() const;  // output mode "concat"

  /// By the name of the column or cross.
  Layer preprocessor(const std::string& name) const;
  Layer crosser(const std::string& name) const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace keratin::utils
