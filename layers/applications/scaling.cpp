// The layers that keras.applications define for themselves.

#include <utility>
#include <vector>

#include <keratin/layers/applications.hpp>

#include "layers/base/naming.hpp"
#include "layers/support/factories.hpp"
#include "layers/support/keras_layer.hpp"

namespace keratin::layers {

namespace {

class CustomScaleImpl final : public KerasLayer {
 public:
  CustomScaleImpl() = default;

  CustomScaleImpl(double scale, const LayerOptions& options)
      : KerasLayer(options), scale_(scale) {
    settle();
  }

  std::string class_name() const override { return "CustomScaleLayer"; }

  std::string module() const override {
    return "keras.src.applications.inception_resnet_v2";
  }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("scale", scale_, {.required = true});
  }

  std::vector<Value> call_many(
      CallContext& ctx, const CallInputs& inputs) override {
    (void)ctx;
    const std::vector<Value> x = inputs.tensors();
    if (x.size() != 2) fail("expected a list of two tensors");
    return {x[0] + x[1] * scale_};
  }

 private:
  double scale_ = 1;
};

class LayerScaleImpl final : public KerasLayer {
 public:
  LayerScaleImpl() = default;

  LayerScaleImpl(
      double init_values,
      std::int64_t projection_dim,
      const LayerOptions& options)
      : KerasLayer(options),
        init_values_(init_values),
        projection_dim_(projection_dim) {
    settle();
  }

  std::string class_name() const override { return "LayerScale"; }

  std::string module() const override {
    return "keras.src.applications.convnext";
  }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("init_values", init_values_, {.required = true});
    visit("projection_dim", projection_dim_, {.required = true, .minimum = 1});
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_min_rank(inputs, 2);
    // Keras gives the weight no name: "variable", "variable_1", ...
    gamma_ = add_weight(
        unique_name("variable"),
        {projection_dim_},
        {.initializer = initializers::Constant(init_values_)});
  }

  Value call(CallContext& ctx, const Value& x) override {
    expect_dim(x, -1, projection_dim_);
    return x * ctx.read(gamma_);
  }

 private:
  double init_values_ = 1e-6;
  std::int64_t projection_dim_ = 1;
  Variable gamma_;
};

class StochasticDepthImpl final : public KerasLayer {
 public:
  StochasticDepthImpl() = default;

  StochasticDepthImpl(double rate, const LayerOptions& options)
      : KerasLayer(options), rate_(rate) {
    settle();
  }

  std::string class_name() const override { return "StochasticDepth"; }

  std::string module() const override {
    return "keras.src.applications.convnext";
  }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit(
        "drop_path_rate",
        rate_,
        {.required = true, .minimum = 0, .maximum = 1});
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_min_rank(inputs, 1);
    state_ = add_seed_generator();
  }

  Value call(CallContext& ctx, const Value& x) override {
    if (!ctx.training()) return x;
    const double kept = 1 - rate_;
    if (kept == 0) return ops::zeros_like(x);
    Shape shape = x.shape();
    for (std::size_t axis = 1; axis < shape.rank(); ++axis) shape[axis] = 1;
    const Value random = ops::random_uniform(
        ctx.next_random_state(state_), shape, 0, 1, x.dtype());
    return x / kept * ops::floor(random + kept);
  }

 private:
  double rate_ = 0;
  Variable state_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_custom_scale_layer() {
  return std::make_shared<CustomScaleImpl>();
}

std::shared_ptr<LayerImpl> make_layer_scale() {
  return std::make_shared<LayerScaleImpl>();
}

std::shared_ptr<LayerImpl> make_stochastic_depth() {
  return std::make_shared<StochasticDepthImpl>();
}

CustomScaleLayer::CustomScaleLayer(double scale, LayerOptions options)
    : Layer(std::make_shared<CustomScaleImpl>(scale, options)) {}

LayerScale::LayerScale(
    double init_values, std::int64_t projection_dim, LayerOptions options)
    : Layer(std::make_shared<LayerScaleImpl>(
          init_values, projection_dim, options)) {}

StochasticDepth::StochasticDepth(double drop_path_rate, LayerOptions options)
    : Layer(std::make_shared<StochasticDepthImpl>(drop_path_rate, options)) {}

}  // namespace keratin::layers
