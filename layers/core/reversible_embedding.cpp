#include <utility>

#include <keratin/layers/core.hpp>

#include "layers/support/factories.hpp"
#include "layers/support/keras_layer.hpp"
#include "src/core/format.hpp"

namespace keratin::layers {

namespace {

class ReversibleEmbeddingImpl final : public KerasLayer {
 public:
  ReversibleEmbeddingImpl() = default;

  ReversibleEmbeddingImpl(
      std::int64_t input_dim,
      std::int64_t output_dim,
      ReversibleEmbeddingOptions options)
      : KerasLayer(options),
        input_dim_(input_dim),
        output_dim_(output_dim),
        o_(std::move(options)) {
    settle();
  }

  std::string class_name() const override { return "ReversibleEmbedding"; }

  bool casts_inputs() const override { return false; }  // indices

  bool supports_masking() const override { return true; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("input_dim", input_dim_, {.required = true, .minimum = 1});
    visit("output_dim", output_dim_, {.required = true, .minimum = 1});
    visit("embeddings_initializer", o_.embeddings_initializer);
    visit("embeddings_regularizer", o_.embeddings_regularizer);
    visit("embeddings_constraint", o_.embeddings_constraint);
    visit("mask_zero", o_.mask_zero);
    visit("tie_weights", o_.tie_weights);
    visit("reverse_dtype", o_.reverse_dtype);
    visit("logit_soft_cap", o_.logit_soft_cap);
  }

  Config get_config() const override {
    Config config = KerasLayer::get_config();
    config["quantization_config"] = nullptr;
    return config;
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_min_rank(inputs, 1);
    embeddings_ = add_weight(
        "embeddings",
        {input_dim_, output_dim_},
        {.initializer = o_.embeddings_initializer,
         .regularizer = o_.embeddings_regularizer,
         .constraint = o_.embeddings_constraint});
    if (o_.tie_weights) return;
    reverse_embeddings_ = add_weight(
        "reverse_embeddings",
        {output_dim_, input_dim_},
        {.initializer = o_.embeddings_initializer});
  }

  std::vector<Value> call_many(
      CallContext& ctx, const CallInputs& inputs) override {
    const Value& x = inputs.inputs()[0];
    return {is_reverse(inputs) ? logits(ctx, x) : rows(ctx, x)};
  }

  std::vector<Value> compute_masks(
      CallContext& ctx,
      const CallInputs& inputs,
      const std::vector<Value>& outputs) override {
    (void)ctx;
    if (!o_.mask_zero || is_reverse(inputs)) {
      return std::vector<Value>(outputs.size());
    }
    return {ops::not_equal(inputs.inputs()[0], 0.0)};
  }

 protected:
  bool writes_activity_regularizer() const override { return true; }

  void settle() override {
    KerasLayer::settle();
    if (o_.reverse_dtype) parse_dtype(*o_.reverse_dtype);
  }

 private:
  static bool is_reverse(const CallInputs& inputs) {
    const Argument<Value>* flag = inputs.find("reverse");
    return flag != nullptr && flag->constant.is_bool() &&
           flag->constant.as_bool();
  }

  Value rows(CallContext& ctx, const Value& x) const {
    const Value indices = is_integer(x.dtype()) ? x : ops::cast(x, DType::i32);
    return in_dtype(
        ops::take(ctx.read_uncast(embeddings_), indices, 0), compute_dtype());
  }

  Value logits(CallContext& ctx, const Value& input) {
    expect_dim(input, -1, output_dim_);
    const DType dtype =
        o_.reverse_dtype ? parse_dtype(*o_.reverse_dtype) : compute_dtype();
    const Value kernel = in_dtype(
        ctx.read_uncast(o_.tie_weights ? embeddings_ : reverse_embeddings_),
        dtype);
    const Value y = ops::matmul(
        in_dtype(input, dtype), kernel, {.transpose_b = o_.tie_weights});
    if (!o_.logit_soft_cap) return y;
    return ops::tanh(y / *o_.logit_soft_cap) * *o_.logit_soft_cap;
  }

  static Value in_dtype(const Value& x, DType dtype) {
    return x.dtype() == dtype ? x : ops::cast(x, dtype);
  }

  std::int64_t input_dim_ = 0;
  std::int64_t output_dim_ = 0;
  ReversibleEmbeddingOptions o_;
  Variable embeddings_;
  Variable reverse_embeddings_;
};

template <class T>
Arguments<T> reversed(const T& x) {
  Arguments<T> arguments(x);
  arguments.items.push_back({"reverse", {}, false, Config(true)});
  return arguments;
}

}  // namespace

std::shared_ptr<LayerImpl> make_reversible_embedding() {
  return std::make_shared<ReversibleEmbeddingImpl>();
}

ReversibleEmbedding::ReversibleEmbedding(
    std::int64_t input_dim,
    std::int64_t output_dim,
    ReversibleEmbeddingOptions options)
    : Layer(std::make_shared<ReversibleEmbeddingImpl>(
          input_dim, output_dim, std::move(options))) {}

SymbolicTensor ReversibleEmbedding::reverse(const SymbolicTensor& x) const {
  return call(reversed(x))[0];
}

Value ReversibleEmbedding::reverse(CallContext& ctx, const Value& x) const {
  return call(ctx, reversed(x))[0];
}

}  // namespace keratin::layers
