// MaxoutDense and Highway of Keras 1, ThresholdedReLU of Keras 2, and Maxout
// and LocalResponseNormalization, which Keras never had.

#include <utility>

#include <keratin/layers/legacy.hpp>

#include "layers/support/factories.hpp"
#include "layers/support/keras_layer.hpp"
#include "src/core/format.hpp"

namespace keratin::layers {

namespace {

/// Without arguments of Keras 1 that say what the input's shape says.
Config without_input_dim(const Config& config) {
  Config known = config;
  for (const char* key : {"input_dim", "batch_input_shape", "input_dtype"}) {
    known.erase(key);
  }
  return known;
}

class ThresholdedReLUImpl final : public KerasLayer {
 public:
  ThresholdedReLUImpl() = default;

  explicit ThresholdedReLUImpl(const ThresholdedReLUOptions& options)
      : KerasLayer(options), theta_(options.theta) {
    settle();
  }

  std::string class_name() const override { return "ThresholdedReLU"; }

  bool supports_masking() const override { return true; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("theta", theta_, {.minimum = 0});
  }

  Value call(CallContext& ctx, const Value& x) override {
    (void)ctx;
    return ops::where(ops::greater(x, theta_), x, ops::zeros_like(x));
  }

 private:
  double theta_ = 1;
};

class MaxoutDenseImpl final : public KerasLayer {
 public:
  MaxoutDenseImpl() = default;

  MaxoutDenseImpl(std::int64_t output_dim, MaxoutDenseOptions options)
      : KerasLayer(options), output_dim_(output_dim), o_(std::move(options)) {
    activity_regularizer_ = o_.activity_regularizer;
    settle();
  }

  std::string class_name() const override { return "MaxoutDense"; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("output_dim", output_dim_, {.required = true, .minimum = 1});
    visit("nb_feature", o_.nb_feature, {.minimum = 1});
    visit("init", o_.init);
    visit("W_regularizer", o_.W_regularizer);
    visit("b_regularizer", o_.b_regularizer);
    visit("W_constraint", o_.W_constraint);
    visit("b_constraint", o_.b_constraint);
    visit("bias", o_.bias);
  }

  void from_config(const Config& config, const std::string& where) override {
    KerasLayer::from_config(without_input_dim(config), where);
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_rank(inputs, 2);
    w_ = add_weight(
        "W",
        {o_.nb_feature, known_dim(inputs[0], -1), output_dim_},
        {.initializer = o_.init,
         .regularizer = o_.W_regularizer,
         .constraint = o_.W_constraint});
    if (!o_.bias) return;
    b_ = add_weight(
        "b",
        {o_.nb_feature, output_dim_},
        {.initializer = "zeros",
         .regularizer = o_.b_regularizer,
         .constraint = o_.b_constraint});
  }

  Value call(CallContext& ctx, const Value& x) override {
    expect_dim(x, -1, w_.shape()[1]);
    Value y = ops::einsum("ni,kio->nko", {x, ctx.read(w_)});
    if (b_) y = y + ctx.read(b_);
    return ops::max(y, {1});
  }

 protected:
  bool writes_activity_regularizer() const override { return true; }

 private:
  std::int64_t output_dim_ = 0;
  MaxoutDenseOptions o_;
  Variable w_;
  Variable b_;
};

class HighwayImpl final : public KerasLayer {
 public:
  HighwayImpl() = default;

  explicit HighwayImpl(HighwayOptions options)
      : KerasLayer(options), o_(std::move(options)) {
    activity_regularizer_ = o_.activity_regularizer;
    settle();
  }

  std::string class_name() const override { return "Highway"; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("init", o_.init);
    visit("activation", o_.activation);
    visit("W_regularizer", o_.W_regularizer);
    visit("b_regularizer", o_.b_regularizer);
    visit("W_constraint", o_.W_constraint);
    visit("b_constraint", o_.b_constraint);
    visit("bias", o_.bias);
  }

  /// Before 1.2 there was a number for the carry's bias.
  void from_config(const Config& config, const std::string& where) override {
    Config known = without_input_dim(config);
    known.erase("transform_bias");
    KerasLayer::from_config(known, where);
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_rank(inputs, 2);
    const std::int64_t n = known_dim(inputs[0], -1);
    w_ = add_weight(
        "W",
        {n, n},
        {.initializer = o_.init,
         .regularizer = o_.W_regularizer,
         .constraint = o_.W_constraint});
    w_carry_ = add_weight("W_carry", {n, n}, {.initializer = o_.init});
    if (!o_.bias) return;
    b_ = add_weight(
        "b",
        {n},
        {.initializer = "zeros",
         .regularizer = o_.b_regularizer,
         .constraint = o_.b_constraint});
    b_carry_ = add_weight("b_carry", {n}, {.initializer = "ones"});
  }

  Value call(CallContext& ctx, const Value& x) override {
    expect_dim(x, -1, w_.shape()[0]);
    Value carry = ops::matmul(x, ctx.read(w_carry_));
    Value y = ops::matmul(x, ctx.read(w_));
    if (b_) {
      carry = carry + ctx.read(b_carry_);
      y = y + ctx.read(b_);
    }
    const Value t = ops::sigmoid(carry);
    return o_.activation(y) * t + (1.0 - t) * x;
  }

 protected:
  bool writes_activity_regularizer() const override { return true; }

 private:
  HighwayOptions o_;
  Variable w_;
  Variable w_carry_;
  Variable b_;
  Variable b_carry_;
};

class MaxoutImpl final : public KerasLayer {
 public:
  MaxoutImpl() = default;

  MaxoutImpl(std::int64_t num_units, const MaxoutOptions& options)
      : KerasLayer(options), num_units_(num_units), axis_(options.axis) {
    settle();
  }

  std::string class_name() const override { return "Maxout"; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("num_units", num_units_, {.required = true, .minimum = 1});
    visit("axis", axis_);
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_min_rank(inputs, 1);
    const std::int64_t channels = known_dim(inputs[0], axis_);
    if (channels % num_units_ == 0) return;
    fail(format(
        "expected num_units that divide the {} channels of {}, got {}",
        channels,
        inputs[0],
        num_units_));
  }

  Value call(CallContext& ctx, const Value& x) override {
    (void)ctx;
    const std::size_t axis = axis_of(x.shape(), axis_);
    Shape shape;
    for (std::size_t i = 0; i < x.rank(); ++i) {
      if (i == axis) {
        shape.push_back(x.shape()[i] / num_units_);
        shape.push_back(num_units_);
      } else {
        shape.push_back(x.shape()[i]);
      }
    }
    return ops::max(ops::reshape(x, shape), {static_cast<std::int64_t>(axis)});
  }

 private:
  std::int64_t num_units_ = 1;
  std::int64_t axis_ = -1;
};

class LocalResponseImpl final : public KerasLayer {
 public:
  LocalResponseImpl() = default;

  explicit LocalResponseImpl(LocalResponseNormalizationOptions options)
      : KerasLayer(options), o_(std::move(options)) {
    settle();
  }

  std::string class_name() const override {
    return "LocalResponseNormalization";
  }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("depth_radius", o_.depth_radius, {.minimum = 0});
    visit("bias", o_.bias);
    visit("alpha", o_.alpha);
    visit("beta", o_.beta);
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_min_rank(inputs, 2);
  }

  Value call(CallContext& ctx, const Value& x) override {
    (void)ctx;
    const std::int64_t radius = o_.depth_radius;
    const std::int64_t channels = x.shape().back();
    ops::Ints margin(x.rank(), 0);
    margin.back() = radius;
    const Value squares = ops::pad(ops::square(x), margin, margin);
    Value sum;
    for (std::int64_t shift = 0; shift <= 2 * radius; ++shift) {
      const Value part = ops::slice_axis(squares, -1, shift, shift + channels);
      sum = sum ? sum + part : part;
    }
    return x * ops::power(sum * o_.alpha + o_.bias, -o_.beta);
  }

 private:
  LocalResponseNormalizationOptions o_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_thresholded_relu() {
  return std::make_shared<ThresholdedReLUImpl>();
}

std::shared_ptr<LayerImpl> make_maxout_dense() {
  return std::make_shared<MaxoutDenseImpl>();
}

std::shared_ptr<LayerImpl> make_highway() {
  return std::make_shared<HighwayImpl>();
}

std::shared_ptr<LayerImpl> make_maxout() {
  return std::make_shared<MaxoutImpl>();
}

std::shared_ptr<LayerImpl> make_local_response_normalization() {
  return std::make_shared<LocalResponseImpl>();
}

ThresholdedReLU::ThresholdedReLU(ThresholdedReLUOptions options)
    : Layer(std::make_shared<ThresholdedReLUImpl>(options)) {}

MaxoutDense::MaxoutDense(std::int64_t output_dim, MaxoutDenseOptions options)
    : Layer(std::make_shared<MaxoutDenseImpl>(output_dim, std::move(options))) {
}

Highway::Highway(HighwayOptions options)
    : Layer(std::make_shared<HighwayImpl>(std::move(options))) {}

Maxout::Maxout(std::int64_t num_units, MaxoutOptions options)
    : Layer(std::make_shared<MaxoutImpl>(num_units, options)) {}

LocalResponseNormalization::LocalResponseNormalization(
    LocalResponseNormalizationOptions options)
    : Layer(std::make_shared<LocalResponseImpl>(std::move(options))) {}

}  // namespace keratin::layers
