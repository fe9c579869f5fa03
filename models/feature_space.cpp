#include <algorithm>
#include <mutex>

#include <keratin/error.hpp>
#include <keratin/feature_space.hpp>
#include <keratin/host_layer.hpp>
#include <keratin/layers.hpp>

#include "src/core/format.hpp"
#include "src/core/names.hpp"

namespace keratin::utils {

namespace {

constexpr const char* kWho = "[FeatureSpace]";

/// Batches in which Keras reads the columns of a table: Discretization's
/// quantiles depend on it.
constexpr std::int64_t kAdaptBatch = 32;

[[noreturn]] void refuse(const std::string& message) {
  throw InvalidArgument(format("{} {}", kWho, message));
}

/// How many tokens the layer of a one-hot column tells apart.
std::int64_t cardinality(const std::string& name, const Layer& layer) {
  const std::string kind = layer.class_name();
  if (kind == "StringLookup") {
    return static_cast<const layers::StringLookup&>(layer).vocabulary_size();
  }
  if (kind == "IntegerLookup") {
    return static_cast<const layers::IntegerLookup&>(layer).vocabulary_size();
  }
  const Config config = layer.get_config();
  if (kind == "Discretization") {
    const Config& boundaries = config.at("bin_boundaries");
    return boundaries.is_array()
               ? static_cast<std::int64_t>(boundaries.size()) + 1
               : config.at("num_bins").as_int();
  }
  if (kind == "CategoryEncoding") return config.at("num_tokens").as_int();
  if (kind == "Hashing" || kind == "HashedCrossing") {
    return config.at("num_bins").as_int();
  }
  refuse(format(
      "column '{}' has output_mode \"one_hot\", but how many values its layer "
      "{} has is not known; use \"int\"",
      name,
      layer.impl().who()));
}

Tensor as_column(const Tensor& values) {
  if (values.rank() == 0) return values.reshape({1, 1});
  if (values.rank() == 1) return values.reshape({values.shape()[0], 1});
  return values;
}

}  // namespace

std::string Cross::name() const {
  std::string joined;
  for (const std::string& feature : feature_names) {
    joined += (joined.empty() ? "" : "_X_") + feature;
  }
  return joined;
}

struct FeatureSpace::Impl {
  std::vector<std::string> names;  // in the order given
  std::map<std::string, Feature> features;
  FeatureSpaceOptions options;
  std::map<std::string, Layer> crossers;
  bool adapted = false;

  // Made when the sizes of vocabularies are known.
  std::mutex mutex;
  std::vector<SymbolicTensor> inputs;
  std::vector<std::string> output_names;  // sorted columns, sorted crosses
  std::vector<SymbolicTensor> outputs;
  SymbolicTensor joined;
  std::optional<Model> encoder;       // one output per name
  std::optional<Model> concatenator;  // one output

  bool needs_adapt(const Layer& layer) const {
    const auto* state = dynamic_cast<const Adaptable*>(&layer.impl());
    return state != nullptr && !state->adapted();
  }

  void check_adapted() {
    for (const auto& [name, feature] : features) {
      if (needs_adapt(feature.preprocessor)) {
        refuse(format(
            "column '{}' is not adapted yet; call adapt on data first", name));
      }
    }
  }

  static SymbolicTensor one_hot(
      const std::string& name, const Layer& layer, const SymbolicTensor& x) {
    if (!is_integer(x.dtype())) {
      refuse(format(
          "column '{}' has output_mode \"one_hot\", but its layer {} yields "
          "{}, not integers",
          name,
          layer.impl().who(),
          name_of(x.dtype())));
    }
    return layers::CategoryEncoding(
        cardinality(name, layer), {.output_mode = "multi_hot"})(x);
  }

  void build() {
    const std::lock_guard lock(mutex);
    if (encoder) return;
    check_adapted();
    inputs.clear();
    output_names.clear();
    outputs.clear();
    std::map<std::string, SymbolicTensor> columns;
    for (const std::string& name : names) {
      const Feature& feature = features.at(name);
      inputs.push_back(
          layers::Input(
              {1}, {.dtype = parse_dtype(feature.dtype), .name = name})
              .tensor());
      columns[name] = feature.preprocessor(inputs.back());
    }
    for (const auto& [name, column] : columns) {  // sorted
      const Feature& feature = features.at(name);
      output_names.push_back(name);
      outputs.push_back(
          feature.output_mode == "one_hot"
              ? one_hot(name, feature.preprocessor, column)
              : column);
    }
    std::map<std::string, const Cross*> crosses;
    for (const Cross& cross : options.crosses) crosses[cross.name()] = &cross;
    for (const auto& [name, cross] : crosses) {
      std::vector<SymbolicTensor> parts;
      for (const std::string& part : cross->feature_names) {
        parts.push_back(columns.at(part));
      }
      const SymbolicTensor crossed = crossers.at(name)(parts);
      output_names.push_back(name);
      outputs.push_back(
          cross->output_mode == "one_hot"
              ? one_hot(name, crossers.at(name), crossed)
              : crossed);
    }
    if (options.output_mode == "concat") {
      for (std::size_t i = 0; i < outputs.size(); ++i) {
        if (is_floating(outputs[i].dtype())) continue;
        refuse(format(
            "column '{}' yields {} and cannot be joined with the others; use "
            "output_mode \"one_hot\" for it, or \"dict\" for the space",
            output_names[i],
            name_of(outputs[i].dtype())));
      }
      joined =
          outputs.size() == 1 ? outputs[0] : layers::Concatenate()(outputs);
      concatenator = Model(inputs, {joined});
    }
    encoder = Model(inputs, outputs);
  }

  /// In the order of the inputs.
  std::vector<Tensor> in_order(const Columns& columns) const {
    std::vector<Tensor> out;
    std::vector<std::string> given;
    for (const auto& [name, values] : columns) given.push_back(name);
    for (const std::string& name : given) {
      if (!features.contains(name)) {
        refuse(format(
            "got a column '{}', which is no feature{}",
            name,
            did_you_mean(name, names)));
      }
    }
    for (const std::string& name : names) {
      const auto found =
          std::find_if(columns.begin(), columns.end(), [&](const auto& item) {
            return item.first == name;
          });
      if (found == columns.end()) {
        refuse(format(
            "expected a column '{}', got none{}",
            name,
            did_you_mean(name, given)));
      }
      const Tensor column = as_column(found->second);
      const DType dtype = parse_dtype(features.at(name).dtype);
      const bool text = dtype == DType::string;
      if (text != (column.dtype() == DType::string)) {
        refuse(format(
            "expected {} in column '{}', got {}",
            text ? "strings" : "numbers",
            name,
            name_of(column.dtype())));
      }
      out.push_back(text ? column : column.cast(dtype));
    }
    return out;
  }
};

FeatureSpace::FeatureSpace(
    // NOLINTNEXTLINE(performance-unnecessary-value-param): written in place
    std::vector<std::pair<std::string, Kind>> features,
    FeatureSpaceOptions options)
    : impl_(std::make_shared<Impl>()) {
  if (features.empty()) refuse("expected features, got none");
  if (options.output_mode != "concat" && options.output_mode != "dict") {
    refuse(format(
        "expected output_mode \"concat\" or \"dict\", got \"{}\"",
        options.output_mode));
  }
  const auto made = [&](const std::string& kind) -> Feature {
    if (kind == "float") return float_feature();
    if (kind == "float_rescaled") return float_rescaled();
    if (kind == "float_normalized") return float_normalized();
    if (kind == "float_discretized") {
      return float_discretized(options.num_discretization_bins);
    }
    if (kind == "integer_categorical") return integer_categorical();
    if (kind == "string_categorical") return string_categorical();
    if (kind == "integer_hashed") return integer_hashed(options.hashing_dim);
    if (kind == "string_hashed") return string_hashed(options.hashing_dim);
    const std::vector<std::string> kinds = {
        "float",
        "float_rescaled",
        "float_normalized",
        "float_discretized",
        "integer_categorical",
        "string_categorical",
        "integer_hashed",
        "string_hashed"};
    refuse(format(
        "no kind of feature is called '{}'{}",
        kind,
        did_you_mean(kind, kinds)));
  };
  for (auto& [name, kind] : features) {
    Feature feature = std::holds_alternative<Feature>(kind)
                          ? std::get<Feature>(kind)
                          : made(std::get<std::string>(kind));
    if (feature.output_mode != "int" && feature.output_mode != "one_hot" &&
        feature.output_mode != "float") {
      refuse(format(
          "expected output_mode \"int\", \"one_hot\" or \"float\" of column "
          "'{}', got \"{}\"",
          name,
          feature.output_mode));
    }
    if (!impl_->features.emplace(name, std::move(feature)).second) {
      refuse(format("got two columns named '{}'", name));
    }
    impl_->names.push_back(name);
  }
  for (const Cross& cross : options.crosses) {
    for (const std::string& name : cross.feature_names) {
      if (impl_->features.contains(name)) continue;
      refuse(format(
          "a cross names the column '{}', which is no feature{}",
          name,
          did_you_mean(name, impl_->names)));
    }
    if (cross.output_mode != "int" && cross.output_mode != "one_hot") {
      refuse(format(
          "expected output_mode \"int\" or \"one_hot\" of the cross '{}', got "
          "\"{}\"",
          cross.name(),
          cross.output_mode));
    }
    impl_->crossers.emplace(
        cross.name(),
        layers::HashedCrossing(cross.crossing_dim, {.name = cross.name()}));
  }
  impl_->options = std::move(options);
}

FeatureSpace::FeatureSpace(
    std::initializer_list<std::pair<std::string, Kind>> features,
    FeatureSpaceOptions options)
    : FeatureSpace(
          std::vector<std::pair<std::string, Kind>>(features),
          std::move(options)) {}

Feature FeatureSpace::float_feature() {
  return {"float32", layers::Identity(), "float"};
}

Feature FeatureSpace::float_rescaled(double scale, double offset) {
  return {"float32", layers::Rescaling(scale, offset), "float"};
}

Feature FeatureSpace::float_normalized() {
  return {"float32", layers::Normalization(), "float"};
}

Feature FeatureSpace::float_discretized(
    std::int64_t num_bins, const std::string& output_mode) {
  return {
      "float32", layers::Discretization({.num_bins = num_bins}), output_mode};
}

Feature FeatureSpace::float_discretized(
    std::vector<double> bin_boundaries, const std::string& output_mode) {
  return {
      "float32",
      layers::Discretization({.bin_boundaries = std::move(bin_boundaries)}),
      output_mode};
}

Feature FeatureSpace::integer_categorical(
    std::optional<std::int64_t> max_tokens,
    std::int64_t num_oov_indices,
    const std::string& output_mode) {
  return {
      "int32",
      layers::IntegerLookup(
          {.max_tokens = max_tokens, .num_oov_indices = num_oov_indices}),
      output_mode};
}

Feature FeatureSpace::string_categorical(
    std::optional<std::int64_t> max_tokens,
    std::int64_t num_oov_indices,
    const std::string& output_mode) {
  return {
      "string",
      layers::StringLookup(
          {.max_tokens = max_tokens, .num_oov_indices = num_oov_indices}),
      output_mode};
}

Feature FeatureSpace::integer_hashed(
    std::int64_t num_bins, const std::string& output_mode) {
  return {"int32", layers::Hashing(num_bins), output_mode};
}

Feature FeatureSpace::string_hashed(
    std::int64_t num_bins, const std::string& output_mode) {
  return {"string", layers::Hashing(num_bins), output_mode};
}

void FeatureSpace::adapt(const Columns& columns) {
  const std::vector<Tensor> values = impl_->in_order(columns);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Layer& layer = impl_->features.at(impl_->names[i]).preprocessor;
    if (!impl_->needs_adapt(layer)) continue;
    if (layer.class_name() != "Discretization") {
      keratin::adapt(layer, values[i]);
      continue;
    }
    layers::Discretization bins =
        static_cast<const layers::Discretization&>(layer);
    bins.reset_state();
    const std::int64_t rows = values[i].shape()[0];
    for (std::int64_t row = 0; row < rows; row += kAdaptBatch) {
      bins.update_state(
          values[i].slice(row, std::min(row + kAdaptBatch, rows)));
    }
    bins.finalize_state();
  }
}

Tensor FeatureSpace::operator()(const Columns& columns) const {
  if (impl_->options.output_mode != "concat") {
    refuse("yields one array per column in output_mode \"dict\"; call encode");
  }
  impl_->build();
  const Tensor y =
      impl_->concatenator->predict_on_batch(impl_->in_order(columns))[0];
  // A row of scalars is one row without a batch axis.
  const bool scalar = !columns.empty() && columns[0].second.rank() == 0;
  return scalar ? y[0] : y;
}

std::map<std::string, Tensor> FeatureSpace::encode(
    const Columns& columns) const {
  impl_->build();
  const std::vector<Tensor> results =
      impl_->encoder->predict_on_batch(impl_->in_order(columns));
  std::map<std::string, Tensor> out;
  for (std::size_t i = 0; i < results.size(); ++i) {
    out[impl_->output_names[i]] = results[i];
  }
  return out;
}

std::vector<SymbolicTensor> FeatureSpace::get_inputs() const {
  impl_->build();
  return impl_->inputs;
}

SymbolicTensor FeatureSpace::get_encoded_features() const {
  impl_->build();
  if (!impl_->joined) {
    refuse("has no joined features in output_mode \"dict\"");
  }
  return impl_->joined;
}

Layer FeatureSpace::preprocessor(const std::string& name) const {
  const auto found = impl_->features.find(name);
  if (found == impl_->features.end()) {
    refuse(
        format("has no column '{}'{}", name, did_you_mean(name, impl_->names)));
  }
  return found->second.preprocessor;
}

Layer FeatureSpace::crosser(const std::string& name) const {
  const auto found = impl_->crossers.find(name);
  if (found == impl_->crossers.end()) refuse(format("has no cross '{}'", name));
  return found->second;
}

}  // namespace keratin::utils
