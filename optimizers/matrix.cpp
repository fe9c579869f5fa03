// Adafactor and Muon: updates that know a weight is a matrix.

#include <algorithm>
#include <cmath>
#include <regex>
#include <utility>

#include <keratin/ops.hpp>
#include <keratin/optimizers/matrix.hpp>

#include "optimizers/factories.hpp"
#include "optimizers/number.hpp"

namespace keratin::optimizers {

namespace {

class AdafactorImpl final : public KerasOptimizer<AdafactorOptions> {
 public:
  explicit AdafactorImpl(AdafactorOptions options = {})
      : KerasOptimizer(std::move(options)) {}

  std::string class_name() const override { return "Adafactor"; }

  void fields(FieldVisitor& visit) override {
    OptimizerImpl::fields(visit);
    visit("beta_2_decay", o_.beta_2_decay);
    visit("epsilon_1", o_.epsilon_1);
    visit("epsilon_2", o_.epsilon_2);
    visit("clip_threshold", o_.clip_threshold);
    visit("relative_step", o_.relative_step);
  }

  void build_slots(const std::vector<Variable>& variables) override {
    for (const Variable& variable : variables) {
      std::vector<std::int64_t> rows = variable.shape().dims();
      std::vector<std::int64_t> columns = rows;
      const bool factored = rows.size() >= 2;
      if (factored) {
        rows.pop_back();
        columns.erase(columns.end() - 2);
      } else {
        rows.clear();  // unused, but Keras keeps and saves a scalar
        columns.clear();
      }
      const DType dtype = factored ? variable.dtype() : DType::i32;
      rows_.push_back(add_variable(variable.name(), Shape(rows), dtype, 0));
      columns_.push_back(
          add_variable(variable.name(), Shape(columns), dtype, 0));
      squares_.push_back(add_slot(variable, "velocity"));
    }
  }

  void update_step(
      CallContext& ctx,
      const Value& gradient,
      const Variable& variable,
      const Value& learning_rate) override {
    const std::size_t at = index_of(variable);
    const Value step = step_number(ctx, gradient.dtype());
    const Value largest_rate = 1.0 / ops::sqrt(step);
    const Value rho = ops::minimum(learning_rate, largest_rate);
    const Value w = ctx.read_uncast(variable);
    const Value alpha = ops::maximum(rms(w), through_float(o_.epsilon_2)) * rho;
    const Value squares = ops::square(gradient) + o_.epsilon_1;
    const Value beta = 1.0 - ops::power(step, o_.beta_2_decay);
    const auto move = [&](const Variable& slot, const Value& x) {
      const Value mean = beta * ctx.read_uncast(slot) + (1.0 - beta) * x;
      ctx.assign(slot, mean);
      return mean;
    };
    Value v;
    if (w.rank() >= 2) {
      const Value r = move(rows_[at], ops::mean(squares, {-1}));
      const Value c = move(columns_[at], ops::mean(squares, {-2}));
      v = ops::expand_dims(r / ops::mean(r, {-1}, true), -1) *
          ops::expand_dims(c, -2);
      ctx.assign(squares_[at], v);
    } else {
      v = move(squares_[at], squares);
    }
    const Value u = gradient / ops::sqrt(v);
    const Value clipped = u / ops::maximum(rms(u) / o_.clip_threshold, 1.0);
    ctx.assign(variable, w - alpha * clipped);
  }

 private:
  static Value rms(const Value& x) {
    return ops::sqrt(ops::mean(ops::square(x)));
  }

  std::vector<Variable> rows_;
  std::vector<Variable> columns_;
  std::vector<Variable> squares_;
};

class MuonImpl final : public KerasOptimizer<MuonOptions> {
 public:
  explicit MuonImpl(MuonOptions options = {})
      : KerasOptimizer(std::move(options)), ratio_(o_.adam_lr_ratio) {}

  std::string class_name() const override { return "Muon"; }

  void fields(FieldVisitor& visit) override {
    OptimizerImpl::fields(visit);
    visit("adam_beta_1", o_.adam_beta_1);
    visit("adam_beta_2", o_.adam_beta_2);
    visit("epsilon", o_.epsilon);
    visit("exclude_layers", o_.exclude_layers);
    visit("muon_a", o_.muon_a);
    visit("muon_b", o_.muon_b);
    visit("muon_c", o_.muon_c);
    visit("adam_lr_ratio", ratio_);
    visit("momentum", o_.momentum);
    visit("ns_steps", o_.ns_steps, {.minimum = 0});
    visit("nesterov", o_.nesterov);
    visit("exclude_embeddings", o_.exclude_embeddings);
    visit("adam_weight_decay", o_.adam_weight_decay);
    visit("rms_rate", o_.rms_rate);
  }

  void build_slots(const std::vector<Variable>& variables) override {
    for (const Variable& variable : variables) {
      momentums_.push_back(add_slot(variable, "momentum"));
      squares_.push_back(
          by_adam(variable) ? add_slot(variable, "velocity") : Variable());
    }
  }

  std::optional<double> weight_decay_of(
      const Variable& variable) const override {
    return by_adam(variable) ? o_.adam_weight_decay : arguments().weight_decay;
  }

  void update_step(
      CallContext& ctx,
      const Value& gradient,
      const Variable& variable,
      const Value& learning_rate) override {
    const std::size_t at = index_of(variable);
    if (squares_[at]) {
      adam_step(ctx, gradient, variable, learning_rate * ratio_.value());
      return;
    }
    const Value old = ctx.read_uncast(momentums_[at]);
    const Value momentum = old + (gradient + old * (o_.momentum - 1));
    ctx.assign(momentums_[at], momentum);
    Value step =
        learning_rate *
        orthogonalized(
            o_.nesterov ? gradient + o_.momentum * momentum : momentum);
    if (o_.rms_rate) {
      const Shape& shape = variable.shape();
      const auto longest = static_cast<double>(std::max(shape[0], shape[1]));
      step = step * std::sqrt(longest) * *o_.rms_rate;
    }
    ctx.assign(variable, ctx.read_uncast(variable) - step);
  }

 private:
  bool by_adam(const Variable& variable) const {
    if (variable.shape().rank() != 2) return true;
    std::string path = variable.path();
    for (const std::string& pattern : o_.exclude_layers) {
      if (std::regex_search(path, std::regex(pattern))) return true;
    }
    if (!o_.exclude_embeddings) return false;
    std::transform(path.begin(), path.end(), path.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return path.find("embedding") != std::string::npos;
  }

  void adam_step(
      CallContext& ctx,
      const Value& gradient,
      const Variable& variable,
      const Value& learning_rate) {
    const std::size_t at = index_of(variable);
    const Value step = step_number(ctx, gradient.dtype());
    const auto left = [&](double beta) {
      return 1.0 -
             ops::power(ops::scalar_like(step, through_float(beta)), step);
    };
    const Value alpha =
        learning_rate * ops::sqrt(left(o_.adam_beta_2)) / left(o_.adam_beta_1);
    const Value old_mean = ctx.read_uncast(momentums_[at]);
    const Value old_square = ctx.read_uncast(squares_[at]);
    const Value mean = old_mean + (gradient - old_mean) * (1 - o_.adam_beta_1);
    const Value square = old_square + (ops::square(gradient) - old_square) *
                                          (1 - o_.adam_beta_2);
    ctx.assign(momentums_[at], mean);
    ctx.assign(squares_[at], square);
    ctx.assign(
        variable,
        ctx.read_uncast(variable) -
            mean * alpha / (ops::sqrt(square) + o_.epsilon));
  }

  /// Newton and Schulz: x -> a x + (b x x' + c (x x')^2) x.
  Value orthogonalized(Value x) const {
    const bool tall = x.shape()[0] > x.shape()[1];
    if (tall) x = ops::transpose(x);
    x = x / (ops::sqrt(ops::sum(ops::square(x), {}, true)) + 1e-7);
    for (std::int64_t i = 0; i < o_.ns_steps; ++i) {
      const Value gram = ops::matmul(x, x, {.transpose_b = true});
      const Value inner =
          o_.muon_b * gram + ops::matmul(o_.muon_c * gram, gram);
      x = o_.muon_a * x + ops::matmul(inner, x);
    }
    return tall ? ops::transpose(x) : x;
  }

  Number ratio_;
  std::vector<Variable> momentums_;
  std::vector<Variable> squares_;  // empty handles where Muon updates
};

}  // namespace

Optimizer Adafactor(AdafactorOptions options) {
  return Optimizer(std::make_shared<AdafactorImpl>(std::move(options)));
}

Optimizer Muon(MuonOptions options) {
  return Optimizer(std::make_shared<MuonImpl>(std::move(options)));
}

std::shared_ptr<OptimizerImpl> make_adafactor() {
  return std::make_shared<AdafactorImpl>();
}

std::shared_ptr<OptimizerImpl> make_muon() {
  return std::make_shared<MuonImpl>();
}

}  // namespace keratin::optimizers
