#include "layers/support/lora.hpp"

#include <span>

#include <keratin/ops.hpp>

namespace keratin::layers {

void Lora::fields(FieldVisitor& visit) {
  visit("lora_rank", rank_, {.minimum = 1});
  visit("lora_alpha", alpha_);
}

void Lora::write(Config& config) const {
  config.erase("lora_rank");
  config.erase("lora_alpha");
  if (!rank_) return;
  config["lora_rank"] = *rank_;
  config["lora_alpha"] = alpha_.value_or(static_cast<double>(*rank_));
}

double Lora::scale() const {
  const auto rank = static_cast<double>(*rank_);
  return alpha_.value_or(rank) / rank;
}

void Lora::build(
    const Variable& weight,
    const std::string& stem,
    const Regularizer& regularizer,
    const AddWeight& add_weight) {
  if (!rank_) return;
  weight_ = weight;
  const DType dtype = weight.dtype() == DType::f64 ? DType::f64 : DType::f32;
  Shape thin = weight.shape();
  thin[thin.rank() - 1] = *rank_;
  a_ = add_weight(
      stem + "_a",
      thin,
      {.initializer = "he_uniform",
       .regularizer = regularizer,
       .dtype = dtype});
  b_ = add_weight(
      stem + "_b",
      {*rank_, weight.shape().back()},
      {.initializer = "zeros", .regularizer = regularizer, .dtype = dtype});
  weight_.set_trainable(false);
}

Value Lora::apply(CallContext& ctx, const Value& weight) const {
  if (!rank_) return weight;
  const Value change = ops::matmul(ctx.read(a_), ctx.read(b_)) * scale();
  return weight + (change.dtype() == weight.dtype()
                       ? change
                       : ops::cast(change, weight.dtype()));
}

Value Lora::take(CallContext& ctx, const Value& indices) const {
  return ops::matmul(ops::take(ctx.read(a_), indices, 0), ctx.read(b_)) *
         scale();
}

Tensor Lora::merged() const {
  const Tensor base = weight_.value().cast(DType::f64);
  const Tensor a = a_.value().cast(DType::f64);
  const Tensor b = b_.value().cast(DType::f64);
  const auto columns = static_cast<std::size_t>(b_.shape().back());
  const auto rank = static_cast<std::size_t>(*rank_);
  Tensor sum = base;
  const std::span<double> out = sum.mutable_data<double>();
  const std::span<const double> left = a.data<double>();
  const std::span<const double> right = b.data<double>();
  const std::size_t rows = left.size() / rank;
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < columns; ++j) {
      double change = 0;
      for (std::size_t k = 0; k < rank; ++k) {
        change += left[i * rank + k] * right[k * columns + j];
      }
      out[i * columns + j] += change * scale();
    }
  }
  return sum.cast(weight_.dtype());
}

void Lora::clear() const {
  if (!rank_) return;
  Variable(a_).assign(Tensor(a_.dtype(), a_.shape()));
  Variable(b_).assign(Tensor(b_.dtype(), b_.shape()));
}

}  // namespace keratin::layers
