#include <utility>

#include <keratin/layers/normalization.hpp>

#include "layers/base/adopted.hpp"
#include "layers/support/factories.hpp"
#include "layers/support/keras_layer.hpp"
#include "src/core/format.hpp"

namespace keratin::layers {

namespace {

/// x / sqrt(max(sum(x^2), epsilon)), as Keras's normalize over all axes.
Value unit_length(const Value& x) {
  constexpr double kEpsilon = 1e-7;  // Keras's backend.epsilon()
  const Value length = ops::sqrt(ops::sum(ops::square(x)));
  return x / ops::maximum(length, kEpsilon);
}

class SpectralNormalizationImpl final : public KerasLayer,
                                        public AdoptsWeights {
 public:
  SpectralNormalizationImpl() = default;

  SpectralNormalizationImpl(
      Layer layer, const SpectralNormalizationOptions& options)
      : KerasLayer(options),
        layer_(std::move(layer)),
        power_iterations_(options.power_iterations) {
    if (!layer_) fail("expected a layer to wrap, got none");
    add_sublayer("layer", layer_);
    settle();
  }

  std::string class_name() const override { return "SpectralNormalization"; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("layer", config_, {.required = true});
    visit("power_iterations", power_iterations_, {.minimum = 1});
  }

  Config get_config() const override {
    Config config = KerasLayer::get_config();
    if (layer_) config["layer"] = serialize(layer_.impl());
    return config;
  }

  void from_config(const Config& config, const std::string& where) override {
    KerasLayer::from_config(config, where);
    layer_ = deserialize_layer(config_, where + ".layer");
    clear_sublayers();
    add_sublayer("layer", layer_);
  }

  std::vector<Variable> adopted_weights() const override {
    if (!weight_) return {};
    return {weight_};
  }

  void build(const std::vector<Shape>& inputs) override {
    layer_.impl().ensure_built(inputs);
    for (const Variable& weight : layer_.impl().own_weights()) {
      if (weight.name() == "kernel" || weight.name() == "embeddings") {
        weight_ = weight;
        break;
      }
    }
    if (!weight_) {
      fail(format(
          "expected a layer with a weight named kernel or embeddings, got {}",
          layer_.impl().who()));
    }
    vector_u_ = add_weight(
        "vector_u",
        {1, weight_.shape().back()},
        {.initializer =
             initializers::TruncatedNormal({.mean = 0, .stddev = 0.02}),
         .trainable = false});
  }

  Value call(CallContext& ctx, const Value& x) override {
    if (ctx.training()) normalize(ctx);
    const Value y = layer_(ctx, x);
    return y.dtype() == x.dtype() ? y : ops::cast(y, x.dtype());
  }

 private:
  void normalize(CallContext& ctx) {
    const Value weight = ctx.read_uncast(weight_);
    const Value matrix =
        ops::reshape(weight, {kUnknown, weight_.shape().back()});
    const Value old_u = ctx.read_uncast(vector_u_);
    Value u = old_u;
    Value v;
    for (std::int64_t i = 0; i < power_iterations_; ++i) {
      v = unit_length(ops::matmul(u, matrix, {.transpose_b = true}));
      u = unit_length(ops::matmul(v, matrix));
    }
    const Value sigma = ops::sum(ops::matmul(v, matrix) * u);
    const Value zero = ops::all(ops::equal(weight, 0.0));
    const Value divided = ops::where(zero, weight, weight / sigma);
    ctx.assign(vector_u_, ops::where(zero, old_u, u));
    // The step's gradient is that by the divided weight, as in Keras, where it
    // is assigned before the layer reads it.
    ctx.assign(weight_, weight + ops::stop_gradient(divided - weight));
  }

  Config config_;
  Layer layer_;
  std::int64_t power_iterations_ = 1;
  Variable weight_;
  Variable vector_u_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_spectral_normalization() {
  return std::make_shared<SpectralNormalizationImpl>();
}

SpectralNormalization::SpectralNormalization(
    Layer layer, SpectralNormalizationOptions options)
    : Layer(std::make_shared<SpectralNormalizationImpl>(
          std::move(layer), options)) {}

}  // namespace keratin::layers
