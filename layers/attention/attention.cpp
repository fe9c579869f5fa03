// Attention and AdditiveAttention.

#include <utility>

#include <keratin/layers/attention.hpp>

#include "layers/attention/scores.hpp"
#include "layers/support/factories.hpp"
#include "layers/support/keras_layer.hpp"
#include "src/core/format.hpp"

namespace keratin::layers {

namespace {

/// Query, value and key in a list; what differs is how scores are made.
class AttentionBase : public KerasLayer {
 public:
  AttentionBase() = default;

  template <class Options>
  explicit AttentionBase(const Options& options)
      : KerasLayer(options),
        use_scale_(options.use_scale),
        dropout_(options.dropout),
        seed_(options.seed) {}

  bool supports_masking() const override { return true; }

  /// Of query, value and key; masks do not count.
  Config build_config() const override {
    if (tensors_ == 0) return {};
    Config shapes = Config::array();
    for (std::size_t i = 0; i < tensors_; ++i) {
      shapes.push_back(shape_config(build_shapes()[i]));
    }
    return Config::object({{"input_shape", std::move(shapes)}});
  }

  std::vector<Value> call_many(
      CallContext& ctx, const CallInputs& inputs) override {
    const Masks masks = masks_of(ctx, inputs);
    const std::vector<Value>& x = inputs.inputs();
    tensors_ = x.size();
    const Value& query = x[0];
    const Value& value = x[1];
    const Value& key = x.size() > 2 ? x[2] : value;
    Value scores = score(ctx, query, key);
    Value kept = masks.value;
    if (kept) kept = ops::expand_dims(kept, -2);
    if (flag(inputs, "use_causal_mask")) {
      const Shape& shape = scores.shape();
      kept = both(
          kept,
          causal_mask(ctx.graph(), shape[shape.rank() - 2], shape.back()));
    }
    if (kept) {
      const double far = scores.dtype() == DType::f16 ? 65504.0 : 1e9;
      scores = ops::where(kept, scores, scores - far);
    }
    const Value weights =
        drop(ctx, random_, ops::softmax(scores, -1), dropout_);
    Value y = ops::matmul(weights, value);
    if (masks.query) {
      y = ops::where(ops::expand_dims(masks.query, -1), y, ops::zeros_like(y));
    }
    if (flag(inputs, "return_attention_scores")) return {y, weights};
    return {y};
  }

  std::vector<Value> compute_masks(
      CallContext& ctx,
      const CallInputs& inputs,
      const std::vector<Value>& outputs) override {
    std::vector<Value> masks(outputs.size());
    masks[0] = masks_of(ctx, inputs).query;
    return masks;
  }

 protected:
  virtual Value score(
      CallContext& ctx, const Value& query, const Value& key) = 0;

  void expect_inputs(const std::vector<Shape>& inputs) const {
    if (inputs.size() < 2) {
      fail(format(
          "expected a list of query and value, or of query, value and key, got "
          "{}",
          inputs.size()));
    }
    for (std::size_t i = 0; i < 2; ++i) {
      if (inputs[i].rank() >= 2) continue;
      fail(format("expected query and value of rank >= 2, got {}", inputs[i]));
    }
  }

  void make_random() {
    if (dropout_ > 0) random_ = add_seed_generator(seed_);
  }

  bool use_scale_ = false;
  double dropout_ = 0;
  std::optional<std::int64_t> seed_;

 private:
  struct Masks {
    Value query;
    Value value;
  };

  bool flag(const CallInputs& inputs, std::string_view name) const {
    const Argument<Value>* argument = inputs.find(name);
    if (argument == nullptr || argument->constant.is_null()) return false;
    if (!argument->constant.is_bool()) {
      fail(format(
          "expected a bool as '{}', got {}",
          std::string(name),
          argument->constant.kind()));
    }
    return argument->constant.as_bool();
  }

  Masks masks_of(CallContext& ctx, const CallInputs& inputs) const {
    const std::vector<Value>& x = inputs.inputs();
    if (x.size() < 2 || x.size() > 3 || !inputs.items.front().is_list) {
      fail(format(
          "expected one list of 2 or 3 tensors, query, value and key, got {}",
          x.size()));
    }
    const Argument<Value>* given = inputs.find("mask");
    if (given == nullptr ||
        (given->tensors.empty() && given->constant.is_null())) {
      return {as_bool(ctx.mask(x[0])), as_bool(ctx.mask(x[1]))};
    }
    const std::vector<Value> masks = list_of(*given);
    if (!given->is_list || masks.size() < 2 || masks.size() > 3) {
      fail(format(
          "expected a list of 2 or 3 masks, of query, value and key, got {}",
          masks.size()));
    }
    return {as_bool(masks[0]), as_bool(masks[1])};
  }

  Variable random_;
  std::size_t tensors_ = 0;  // in the list, once called
};

class AttentionImpl final : public AttentionBase {
 public:
  AttentionImpl() = default;

  explicit AttentionImpl(const AttentionOptions& options)
      : AttentionBase(options), score_mode_(options.score_mode) {
    settle();
  }

  std::string class_name() const override { return "Attention"; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("use_scale", use_scale_);
    visit("score_mode", score_mode_, {.choices = {"dot", "concat"}});
    visit("dropout", dropout_, {.minimum = 0, .maximum = 1});
    visit("seed", seed_);
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_inputs(inputs);
    if (use_scale_) scale_ = add_weight("scale", {}, {.initializer = "ones"});
    if (score_mode_ == "concat") {
      weight_ = add_weight("concat_score_weight", {}, {.initializer = "ones"});
    }
    make_random();
  }

 protected:
  Value score(CallContext& ctx, const Value& query, const Value& key) override {
    if (score_mode_ == "dot") {
      const Value scores = ops::matmul(query, key, {.transpose_b = true});
      return scale_ ? scores * ctx.read(scale_) : scores;
    }
    Value sum = ops::expand_dims(query, -2) + ops::expand_dims(key, -3);
    if (scale_) sum = sum * ctx.read(scale_);
    return ops::sum(ops::tanh(sum), {-1}) * ctx.read(weight_);
  }

 private:
  std::string score_mode_ = "dot";
  Variable scale_;
  Variable weight_;
};

class AdditiveAttentionImpl final : public AttentionBase {
 public:
  AdditiveAttentionImpl() { use_scale_ = true; }

  explicit AdditiveAttentionImpl(const AdditiveAttentionOptions& options)
      : AttentionBase(options) {
    settle();
  }

  std::string class_name() const override { return "AdditiveAttention"; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("use_scale", use_scale_);
    visit("dropout", dropout_, {.minimum = 0, .maximum = 1});
    visit("seed", seed_);
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_inputs(inputs);
    if (use_scale_) {
      scale_ = add_weight(
          "scale",
          {known_dim(inputs[0], -1)},
          {.initializer = "glorot_uniform"});
    }
    make_random();
  }

 protected:
  Value score(CallContext& ctx, const Value& query, const Value& key) override {
    Value sum =
        ops::tanh(ops::expand_dims(query, -2) + ops::expand_dims(key, -3));
    if (scale_) sum = sum * ctx.read(scale_);
    return ops::sum(sum, {-1});
  }

 private:
  Variable scale_;
};

SymbolicInputs arguments_of(
    const SymbolicTensor& query,
    const SymbolicTensor& value,
    const AttentionCall& call,
    bool scores) {
  std::vector<SymbolicTensor> list = {query, value};
  if (call.key) list.push_back(call.key);
  SymbolicInputs inputs(std::move(list));
  if (call.query_mask || call.value_mask) {
    Argument<SymbolicTensor> masks;
    masks.name = "mask";
    masks.is_list = true;
    masks.constant = Config::array();
    for (const SymbolicTensor& mask : {call.query_mask, call.value_mask}) {
      masks.constant.push_back(mask ? Config(true) : Config());
      if (mask) masks.tensors.push_back(mask);
    }
    inputs.items.push_back(std::move(masks));
  }
  if (scores) {
    inputs.items.push_back(
        {"return_attention_scores", {}, false, Config(true)});
  }
  if (call.use_causal_mask) {
    inputs.items.push_back({"use_causal_mask", {}, false, Config(true)});
  }
  return inputs;
}

std::pair<SymbolicTensor, SymbolicTensor> pair_of(
    const std::vector<SymbolicTensor>& results) {
  return {results[0], results[1]};
}

}  // namespace

std::shared_ptr<LayerImpl> make_attention() {
  return std::make_shared<AttentionImpl>();
}

std::shared_ptr<LayerImpl> make_additive_attention() {
  return std::make_shared<AdditiveAttentionImpl>();
}

Attention::Attention(AttentionOptions options)
    : Layer(std::make_shared<AttentionImpl>(options)) {}

SymbolicTensor Attention::operator()(
    const SymbolicTensor& query,
    const SymbolicTensor& value,
    const AttentionCall& call) const {
  return Layer::call(arguments_of(query, value, call, false))[0];
}

std::pair<SymbolicTensor, SymbolicTensor> Attention::with_scores(
    const SymbolicTensor& query,
    const SymbolicTensor& value,
    const AttentionCall& call) const {
  return pair_of(Layer::call(arguments_of(query, value, call, true)));
}

AdditiveAttention::AdditiveAttention(AdditiveAttentionOptions options)
    : Layer(std::make_shared<AdditiveAttentionImpl>(options)) {}

SymbolicTensor AdditiveAttention::operator()(
    const SymbolicTensor& query,
    const SymbolicTensor& value,
    const AttentionCall& call) const {
  return Layer::call(arguments_of(query, value, call, false))[0];
}

std::pair<SymbolicTensor, SymbolicTensor> AdditiveAttention::with_scores(
    const SymbolicTensor& query,
    const SymbolicTensor& value,
    const AttentionCall& call) const {
  return pair_of(Layer::call(arguments_of(query, value, call, true)));
}

}  // namespace keratin::layers
