// CategoryEncoding and Discretization: numbers only, so part of the graph.

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include <keratin/layers/text.hpp>

#include "layers/support/factories.hpp"
#include "layers/text/encoding.hpp"
#include "layers/text/host_keras_layer.hpp"
#include "layers/text/quantiles.hpp"
#include "src/core/format.hpp"

namespace keratin::layers {

namespace {

class CategoryEncodingImpl final : public HostKerasLayer {
 public:
  CategoryEncodingImpl() = default;

  CategoryEncodingImpl(
      std::int64_t num_tokens, const CategoryEncodingOptions& options)
      : HostKerasLayer(options),
        num_tokens_(num_tokens),
        output_mode_(options.output_mode),
        sparse_(options.sparse) {
    settle();
  }

  std::string class_name() const override { return "CategoryEncoding"; }

  void fields(FieldVisitor& visit) override {
    HostKerasLayer::fields(visit);
    visit("num_tokens", num_tokens_, {.required = true, .minimum = 1});
    visit(
        "output_mode",
        output_mode_,
        {.choices = {"one_hot", "multi_hot", "count", "binary"}});
    visit("sparse", sparse_);
  }

  Config get_config() const override {
    Config config = HostKerasLayer::get_config();
    if (!sparse_) config.erase("sparse");  // Keras leaves it out
    return config;
  }

  bool needs_host(const Arguments<Spec>& inputs) const override {
    (void)inputs;
    return false;
  }

  std::vector<Spec> compute_output_spec(
      const Arguments<Spec>& inputs) override {
    const Spec& x = checked(inputs);
    return {
        {text::encoded_shape(x.shape, output_mode_, num_tokens_),
         compute_dtype()}};
  }

  std::vector<Value> call_many(
      CallContext& ctx, const CallInputs& inputs) override {
    (void)ctx;
    const Argument<Value>* weights = weights_of(inputs);
    return {text::encode(
        inputs.inputs()[0],
        output_mode_,
        num_tokens_,
        compute_dtype(),
        weights == nullptr ? Value() : weights->tensors[0])};
  }

  std::vector<Tensor> call_host(const HostInputs& inputs) override {
    const Tensor& x = inputs.inputs()[0];
    if (x.dtype() == DType::string) fail("expected integers, got strings");
    const Argument<Tensor>* weights = weights_of(inputs);
    if (weights != nullptr && weights->tensors[0].shape() != x.shape()) {
      fail(format(
          "expected count_weights of the inputs' shape {}, got {}",
          x.shape(),
          weights->tensors[0].shape()));
    }
    return {text::encode(
        x.cast(DType::i64),
        output_mode_,
        num_tokens_,
        compute_dtype(),
        weights == nullptr ? nullptr : &weights->tensors[0])};
  }

 protected:
  void settle() override {
    HostKerasLayer::settle();
    output_mode_ = text::output_mode_name(output_mode_);
  }

 private:
  template <class T>
  const Argument<T>* weights_of(const Arguments<T>& inputs) const {
    const Argument<T>* weights = inputs.find("count_weights");
    if (weights == nullptr) weights = inputs.positional(1);
    if (weights == nullptr || weights->tensors.empty()) return nullptr;
    if (output_mode_ != "count") {
      fail(format(
          "expected count_weights only with output_mode \"count\", got \"{}\"",
          output_mode_));
    }
    return weights;
  }

  const Spec& checked(const Arguments<Spec>& inputs) const {
    if (inputs.items.empty() || inputs.inputs().size() != 1) {
      fail(
          format("expected one input tensor, got {}", inputs.tensors().size()));
    }
    const Spec& x = inputs.inputs()[0];
    if (x.dtype == DType::string) {
      fail("expected integers, got strings; StringLookup makes them integers");
    }
    const Argument<Spec>* weights = weights_of(inputs);
    if (weights != nullptr && weights->tensors[0].shape != x.shape) {
      fail(format(
          "expected count_weights of the inputs' shape {}, got {}",
          x.shape,
          weights->tensors[0].shape));
    }
    return x;
  }

  std::int64_t num_tokens_ = 1;
  std::string output_mode_ = "multi_hot";
  bool sparse_ = false;
};

class DiscretizationImpl final : public HostKerasLayer, public Adaptable {
 public:
  DiscretizationImpl() = default;

  explicit DiscretizationImpl(const DiscretizationOptions& options)
      : HostKerasLayer(options),
        num_bins_(options.num_bins),
        epsilon_(options.epsilon),
        output_mode_(options.output_mode),
        sparse_(options.sparse) {
    if (options.bin_boundaries && num_bins_) {
      fail("expected bin_boundaries or num_bins, got both");
    }
    if (options.bin_boundaries) {
      boundaries_config_ = Config::array();
      for (const double value : *options.bin_boundaries) {
        boundaries_config_.push_back(value);
      }
    }
    settle();
  }

  std::string class_name() const override { return "Discretization"; }

  void fields(FieldVisitor& visit) override {
    HostKerasLayer::fields(visit);
    visit("bin_boundaries", boundaries_config_);
    visit("num_bins", num_bins_, {.minimum = 0});
    visit("epsilon", epsilon_);
    visit(
        "output_mode",
        output_mode_,
        {.choices = {"int", "one_hot", "multi_hot", "count"}});
    visit("sparse", sparse_);
  }

  Config get_config() const override {
    // Keras's layer takes no other arguments.
    Config config = HostKerasLayer::get_config();
    config.erase("trainable");
    config["dtype"] = name_of(compute_dtype());
    return config;
  }

  bool casts_inputs() const override { return true; }

  bool needs_host(const Arguments<Spec>& inputs) const override {
    (void)inputs;
    return false;
  }

  std::vector<Value> call_many(
      CallContext& ctx, const CallInputs& inputs) override {
    check_known();
    const Value x = ops::cast(inputs.inputs()[0], DType::f64);
    // Bins begin at their lower boundary: how many boundaries are not above x.
    // (A NaN is above none: the last bin, as in TensorFlow.)
    const Value above = ops::less(
        ops::expand_dims(x, -1),
        ops::constant(ctx.graph(), Tensor(boundaries_)));
    const Value bins =
        ops::sum(ops::cast(ops::logical_not(above), DType::i32), {-1});
    return {text::encode(bins, output_mode_, depth(), output_dtype())};
  }

  std::vector<Tensor> call_host(const HostInputs& inputs) override {
    check_known();
    const Tensor& x = one_input(inputs);
    if (x.dtype() == DType::string) fail("expected numbers, got strings");
    Tensor bins(DType::i64, x.shape());
    const auto to = bins.mutable_data<std::int64_t>();
    const bool cast = is_floating(x.dtype()) && x.dtype() != compute_dtype();
    const Tensor from = cast ? x.cast(compute_dtype()) : x;
    for (std::int64_t i = 0; i < x.size(); ++i) {
      to[static_cast<std::size_t>(i)] =
          std::upper_bound(boundaries_.begin(), boundaries_.end(), from.at(i)) -
          boundaries_.begin();
    }
    return {text::encode(bins, output_mode_, depth(), output_dtype())};
  }

  void adapt(const Tensor& data) override {
    reset_state();
    update_state(data);
    finalize_state();
  }

  bool adapted() const override { return !boundaries_config_.is_null(); }

  void reset_state() override {
    check_adaptable();
    summary_ = {};
  }

  void update_state(const Tensor& data) override {
    check_adaptable();
    if (data.dtype() == DType::string || data.size() == 0) {
      fail(format(
          "expected numbers to adapt to, got {}{}",
          data.dtype(),
          data.shape()));
    }
    summary_ = text::merge(
        text::summarize(data.to_vector<float>(), epsilon_), summary_, epsilon_);
  }

  void finalize_state() override {
    check_adaptable();
    if (summary_.values.empty()) fail("expected data to adapt to, got none");
    boundaries_config_ = Config::array();
    for (const float value : text::boundaries(summary_, *num_bins_)) {
      boundaries_config_.push_back(static_cast<double>(value));
    }
    take_boundaries();
    state_changed();
  }

  const std::vector<double>& given_boundaries() const { return as_given_; }

 protected:
  Spec output_spec(const Spec& input) const override {
    if (input.dtype == DType::string) fail("expected numbers, got strings");
    return {
        text::encoded_shape(input.shape, output_mode_, depth()),
        output_dtype()};
  }

  void settle() override {
    HostKerasLayer::settle();
    if (!num_bins_ && boundaries_config_.is_null()) {
      fail("expected bin_boundaries or num_bins, got neither");
    }
    if (!(epsilon_ > 0 && epsilon_ < 1)) {
      fail(format("expected epsilon between 0 and 1, got {}", epsilon_));
    }
    check_sparse(sparse_, output_mode_);
    if (!boundaries_config_.is_null()) take_boundaries();
  }

 private:
  void take_boundaries() {
    const Tensor values =
        boundaries_config_.is_array() && boundaries_config_.size() == 0
            ? Tensor(DType::f64, {0})
            : tensor_from_config(boundaries_config_, "bin_boundaries");
    if (values.rank() != 1) {
      fail(format("expected bin_boundaries of rank 1, got {}", values.shape()));
    }
    as_given_ = values.to_vector<double>();
    if (!std::is_sorted(as_given_.begin(), as_given_.end())) {
      fail(format(
          "expected bin_boundaries in ascending order, got {}",
          boundaries_config_.dump()));
    }
    // TensorFlow keeps boundaries in float32.
    boundaries_ = as_given_;
    for (double& value : boundaries_) value = static_cast<float>(value);
  }

  void check_known() const {
    if (!boundaries_config_.is_null()) return;
    fail(
        "has no bin boundaries yet; call adapt on data, or give bin_boundaries "
        "as an argument");
  }

  void check_adaptable() const {
    if (num_bins_) return;
    fail(
        "cannot adapt to data: its bin_boundaries were given as an argument; "
        "give num_bins instead");
  }

  std::int64_t depth() const {
    return boundaries_config_.is_null()
               ? *num_bins_
               : static_cast<std::int64_t>(boundaries_.size()) + 1;
  }

  DType output_dtype() const {
    return output_mode_ == "int" ? DType::i32 : compute_dtype();
  }

  Config boundaries_config_;
  std::optional<std::int64_t> num_bins_;
  double epsilon_ = 0.01;
  std::string output_mode_ = "int";
  bool sparse_ = false;
  std::vector<double> as_given_;
  std::vector<double> boundaries_;  // rounded to float32
  text::Summary summary_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_category_encoding() {
  return std::make_shared<CategoryEncodingImpl>();
}

std::shared_ptr<LayerImpl> make_discretization() {
  return std::make_shared<DiscretizationImpl>();
}

CategoryEncoding::CategoryEncoding(
    std::int64_t num_tokens, CategoryEncodingOptions options)
    : Layer(std::make_shared<CategoryEncodingImpl>(num_tokens, options)) {}

Discretization::Discretization(DiscretizationOptions options)
    : Layer(std::make_shared<DiscretizationImpl>(options)) {}

namespace {

DiscretizationImpl& impl_of(const Layer& layer) {
  return static_cast<DiscretizationImpl&>(layer.impl());
}

}  // namespace

void Discretization::adapt(const Tensor& data) {
  impl_of(*this).adapt(data);
}

void Discretization::reset_state() {
  impl_of(*this).reset_state();
}

void Discretization::update_state(const Tensor& data) {
  impl_of(*this).update_state(data);
}

void Discretization::finalize_state() {
  impl_of(*this).finalize_state();
}

const std::vector<double>& Discretization::bin_boundaries() const {
  return impl_of(*this).given_boundaries();
}

}  // namespace keratin::layers
