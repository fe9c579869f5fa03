#include <algorithm>
#include <utility>

#include <keratin/host_layer.hpp>
#include <keratin/layers/preprocessing.hpp>

#include "layers/support/factories.hpp"
#include "layers/support/keras_layer.hpp"
#include "src/core/format.hpp"

namespace keratin::layers {

namespace {

constexpr double kEpsilon = 1e-7;  // Keras's backend.epsilon()

Config numbers_config(const std::optional<Numbers>& numbers) {
  return numbers ? tensor_to_config(numbers->tensor()) : Config();
}

class NormalizationImpl final : public KerasLayer, public Adaptable {
 public:
  NormalizationImpl() = default;

  explicit NormalizationImpl(const NormalizationOptions& options)
      : KerasLayer(options),
        axis_(Config::ints(options.axis)),
        invert_(options.invert),
        mean_(numbers_config(options.mean)),
        variance_(numbers_config(options.variance)) {
    settle();
  }

  std::string class_name() const override { return "Normalization"; }

  bool supports_masking() const override { return true; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("axis", axis_);
    visit("invert", invert_);
    visit("mean", mean_);
    visit("variance", variance_);
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_min_rank(inputs, 1);
    const Shape shape = kept_shape(inputs[0]);
    if (given()) {
      broadcast_given(inputs[0]);  // only checks
      return;
    }
    mean_weight_ =
        add_weight("mean", shape, {.initializer = "zeros", .trainable = false});
    variance_weight_ = add_weight(
        "variance", shape, {.initializer = "ones", .trainable = false});
    // Of no use, but Keras's files have it.
    add_weight(
        "count",
        {},
        {.initializer = "zeros", .trainable = false, .dtype = DType::i64});
  }

  Value call(CallContext& ctx, const Value& input) override {
    const Value x = ops::cast(input, compute_dtype());
    Value mean;
    Value variance;
    if (given()) {
      const auto [m, v] = broadcast_given(x.shape());
      mean = ops::constant(ctx.graph(), m.cast(compute_dtype()));
      variance = ops::constant(ctx.graph(), v.cast(compute_dtype()));
    } else {
      const Shape shape = broadcast_shape(x.shape());
      mean = ops::reshape(ctx.read(mean_weight_), shape);
      variance = ops::reshape(ctx.read(variance_weight_), shape);
    }
    const Value deviation = ops::maximum(ops::sqrt(variance), kEpsilon);
    return invert_ ? mean + x * deviation : (x - mean) / deviation;
  }

  bool adapted() const override { return given() || adapted_; }

  void adapt(const Tensor& data) override {
    reset_state();
    update_state(data);
    finalize_state();
  }

  void reset_state() override {
    if (given()) fail("expected no mean and variance, as adapt finds them");
    seen_ = 0;
  }

  /// Mean and variance of all batches so far, from those of this one.
  void update_state(const Tensor& data) override {
    if (given()) fail("expected no mean and variance, as adapt finds them");
    if (data.rank() == 0 || data.size() == 0) {
      fail(format("expected data to adapt to, got {}", data.shape()));
    }
    ensure_built({data.shape()});
    if (kept_shape(data.shape()) != mean_weight_.shape()) {
      fail(format(
          "expected data as built for, {}, got {}",
          build_shapes()[0],
          data.shape()));
    }
    const auto [mean, variance] = statistics(data);
    const double count = static_cast<double>(data.size());
    const double total = seen_ + count;
    const double share = count / total;
    if (seen_ == 0) {
      total_mean_ = mean.to_vector<double>();
      total_variance_ = variance.to_vector<double>();
    } else {
      for (std::size_t i = 0; i < total_mean_.size(); ++i) {
        const auto at = static_cast<std::int64_t>(i);
        const double difference = mean.at(at) - total_mean_[i];
        total_variance_[i] = (1 - share) * total_variance_[i] +
                             share * variance.at(at) +
                             share * (1 - share) * difference * difference;
        total_mean_[i] += share * difference;
      }
    }
    seen_ = total;
  }

  void finalize_state() override {
    if (seen_ == 0) fail("expected data to adapt to, got none");
    const Shape shape = mean_weight_.shape();
    mean_weight_.assign(Tensor(total_mean_, shape));
    variance_weight_.assign(Tensor(total_variance_, shape));
    adapted_ = true;
  }

 protected:
  void settle() override {
    KerasLayer::settle();
    if (axis_.is_null()) axis_ = Config::array();
    if (axis_.is_int()) axis_ = Config::ints({axis_.as_int()});
    axes_ = axis_.as_ints();
    if (mean_.is_null() != variance_.is_null()) {
      fail("expected both mean and variance, or none");
    }
    if (!given()) return;
    mean_tensor_ = tensor_from_config(mean_, "mean");
    variance_tensor_ = tensor_from_config(variance_, "variance");
    if (mean_tensor_.shape() != variance_tensor_.shape()) {
      fail(format(
          "expected mean and variance of one shape, got {} and {}",
          mean_tensor_.shape(),
          variance_tensor_.shape()));
    }
    if (mean_tensor_.rank() > axes_.size()) {
      fail(format(
          "expected a mean of at most {} axes, got {}",
          axes_.size(),
          mean_tensor_.shape()));
    }
  }

 private:
  bool given() const { return !mean_.is_null(); }

  std::vector<std::int64_t> kept(const Shape& shape) const {
    return sorted_axes(shape, axes_, who());
  }

  Shape kept_shape(const Shape& shape) const {
    Shape out;
    for (const std::int64_t axis : kept(shape)) {
      out.push_back(known_dim(shape, axis));
    }
    return out;
  }

  /// 1 except on the kept axes.
  Shape broadcast_shape(const Shape& shape) const {
    Shape out(std::vector<std::int64_t>(shape.rank(), 1));
    for (const std::int64_t axis : kept(shape)) {
      const auto at = static_cast<std::size_t>(axis);
      out[at] = shape[at];
    }
    return out;
  }

  /// mean and variance with their axes on the last of the kept ones.
  std::pair<Tensor, Tensor> broadcast_given(const Shape& input) const {
    const auto axes = kept(input);
    Shape shape(std::vector<std::int64_t>(input.rank(), 1));
    const Shape& own = mean_tensor_.shape();
    for (std::size_t i = 1; i <= own.rank(); ++i) {
      const auto axis = static_cast<std::size_t>(axes[axes.size() - i]);
      const std::int64_t extent = own[own.rank() - i];
      if (extent != 1 && extent != input[axis] && input[axis] != kUnknown) {
        fail(format(
            "expected a mean for the extents {} of the input {}, got {}",
            kept_shape(input),
            input,
            own));
      }
      shape[axis] = extent;
    }
    return {mean_tensor_.reshape(shape), variance_tensor_.reshape(shape)};
  }

  /// Means and population variances over all but the kept axes, in double.
  std::pair<Tensor, Tensor> statistics(const Tensor& data) const {
    const Shape& shape = data.shape();
    const auto axes = kept(shape);
    const Shape kept_extents = kept_shape(shape);
    const std::vector<std::int64_t> strides = kept_extents.strides();
    const Tensor wide = data.cast(DType::f64);
    const auto values = wide.data<double>();
    // Where each element counts.
    std::vector<std::int64_t> weight_stride(shape.rank(), 0);
    for (std::size_t i = 0; i < axes.size(); ++i) {
      weight_stride[static_cast<std::size_t>(axes[i])] = strides[i];
    }
    const auto for_each = [&](const auto& visit) {
      std::vector<std::int64_t> index(shape.rank(), 0);
      std::int64_t slot = 0;
      for (const double value : values) {
        visit(static_cast<std::size_t>(slot), value);
        for (std::size_t axis = shape.rank(); axis-- > 0;) {
          slot += weight_stride[axis];
          if (++index[axis] < shape[axis]) break;
          slot -= weight_stride[axis] * shape[axis];
          index[axis] = 0;
        }
      }
    };
    const auto slots = static_cast<std::size_t>(kept_extents.size());
    const double count =
        static_cast<double>(data.size()) / static_cast<double>(slots);
    std::vector<double> mean(slots);
    std::vector<double> variance(slots);
    for_each([&](std::size_t slot, double value) { mean[slot] += value; });
    for (double& value : mean) value /= count;
    for_each([&](std::size_t slot, double value) {
      const double difference = value - mean[slot];
      variance[slot] += difference * difference;
    });
    for (double& value : variance) value /= count;
    return {Tensor(mean, kept_extents), Tensor(variance, kept_extents)};
  }

  Config axis_ = Config::ints({-1});
  bool invert_ = false;
  bool adapted_ = false;
  double seen_ = 0;  // elements, while adapting
  std::vector<double> total_mean_;
  std::vector<double> total_variance_;
  Config mean_;
  Config variance_;
  std::vector<std::int64_t> axes_ = {-1};
  Tensor mean_tensor_;
  Tensor variance_tensor_;
  Variable mean_weight_;
  Variable variance_weight_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_normalization() {
  return std::make_shared<NormalizationImpl>();
}

Normalization::Normalization(NormalizationOptions options)
    : Layer(std::make_shared<NormalizationImpl>(options)) {}

void Normalization::adapt(const Tensor& data) {
  static_cast<NormalizationImpl&>(*impl_).adapt(data);
}

}  // namespace keratin::layers
