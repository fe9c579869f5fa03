#include <utility>

#include <keratin/layers/core.hpp>

#include "layers/support/factories.hpp"
#include "layers/support/keras_layer.hpp"
#include "src/core/format.hpp"

namespace keratin::layers {

namespace {

class EmbeddingImpl final : public KerasLayer {
 public:
  EmbeddingImpl() = default;

  EmbeddingImpl(
      std::int64_t input_dim, std::int64_t output_dim, EmbeddingOptions options)
      : KerasLayer(options),
        input_dim_(input_dim),
        output_dim_(output_dim),
        o_(std::move(options)),
        lora_(o_.lora_rank, o_.lora_alpha) {
    activity_regularizer_ = o_.activity_regularizer;
    settle();
  }

  std::string class_name() const override { return "Embedding"; }

  bool casts_inputs() const override { return false; }  // indices

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("input_dim", input_dim_, {.required = true, .minimum = 1});
    visit("output_dim", output_dim_, {.required = true, .minimum = 1});
    visit("embeddings_initializer", o_.embeddings_initializer);
    visit("embeddings_regularizer", o_.embeddings_regularizer);
    visit("embeddings_constraint", o_.embeddings_constraint);
    visit("mask_zero", o_.mask_zero);
    lora_.fields(visit);
  }

  const Lora* lora() const override { return &lora_; }

  Config get_config() const override {
    Config config = KerasLayer::get_config();
    config["quantization_config"] = nullptr;
    lora_.write(config);
    return config;
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_min_rank(inputs, 1);
    const Shape shape = {input_dim_, output_dim_};
    if (o_.weights && o_.weights->shape() != shape) {
      fail(format(
          "expected weights of shape {}, got {}", shape, o_.weights->shape()));
    }
    const auto given = [this](const Shape&, DType dtype) {
      return o_.weights->cast(dtype);
    };
    embeddings_ = add_weight(
        "embeddings",
        shape,
        {.initializer =
             o_.weights ? Initializer(given) : o_.embeddings_initializer,
         .regularizer = o_.embeddings_regularizer,
         .constraint = o_.embeddings_constraint});
    o_.weights.reset();  // the variable holds them now
    build_lora(
        lora_, embeddings_, "lora_embeddings", o_.embeddings_regularizer);
  }

  Value call(CallContext& ctx, const Value& x) override {
    // The rows are cast, not the table.
    const Value rows = ops::take(ctx.read_uncast(embeddings_), indices(x), 0);
    const Value cast = rows.dtype() == compute_dtype()
                           ? rows
                           : ops::cast(rows, compute_dtype());
    return lora_ ? cast + lora_.take(ctx, indices(x)) : cast;
  }

  std::vector<Value> compute_masks(
      CallContext& ctx,
      const CallInputs& inputs,
      const std::vector<Value>& outputs) override {
    (void)ctx;
    if (!o_.mask_zero) return std::vector<Value>(outputs.size());
    return {ops::not_equal(inputs.inputs()[0], 0.0)};
  }

 protected:
  bool writes_activity_regularizer() const override { return true; }

  void settle() override {
    KerasLayer::settle();
    if (lora_ && o_.embeddings_constraint) fail_lora_constraint();
  }

 private:
  static Value indices(const Value& x) {
    return is_integer(x.dtype()) ? x : ops::cast(x, DType::i32);
  }

  std::int64_t input_dim_ = 0;
  std::int64_t output_dim_ = 0;
  EmbeddingOptions o_;
  Lora lora_;
  Variable embeddings_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_embedding() {
  return std::make_shared<EmbeddingImpl>();
}

Embedding::Embedding(
    std::int64_t input_dim, std::int64_t output_dim, EmbeddingOptions options)
    : Layer(std::make_shared<EmbeddingImpl>(
          input_dim, output_dim, std::move(options))) {}

}  // namespace keratin::layers
