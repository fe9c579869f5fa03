#pragma once

#include <functional>
#include <string>
#include <utility>

#include "course.hpp"

/// A net of two layers without biases, trained by gradient descent on one batch
/// three ways, which give the same losses.
namespace course {

struct TwoLayers {
  kt::Tensor x;   // [batch, in]
  kt::Tensor w1;  // [in, hidden]
  kt::Tensor w2;  // [hidden, out]
  kt::Tensor y;   // [batch, out]
  bool relu = true;
  bool mean = true;  // the loss is the mean over the batch, else the sum
  double learning_rate = 1e-5;
  int steps = 50;
  int print_every = 1;

  /// The loss is the sum of squares divided by this.
  double divisor() const {
    return mean ? static_cast<double>(x.shape()[0]) : 1;
  }

  void print_loss(const char* way, int step, double loss) const {
    if (step % print_every != 0 && step != steps - 1) return;
    print(std::string(way) + "[" + std::to_string(step) + "]", loss);
  }
};

/// Gradients written down with tensor operations.
inline void train_by_hand(const TwoLayers& net) {
  kt::Tensor w1 = net.w1;
  kt::Tensor w2 = net.w2;
  for (int step = 0; step < net.steps; ++step) {
    const kt::Tensor pre = ops::matmul(net.x, w1);
    const kt::Tensor hidden = net.relu ? ops::relu(pre) : pre;
    const kt::Tensor error = ops::matmul(hidden, w2) - net.y;
    const kt::Tensor loss = ops::sum(ops::square(error)) / net.divisor();
    net.print_loss("hand", step, loss.item<double>());

    const kt::Tensor d_out = error * (2 / net.divisor());
    const kt::Tensor d_w2 = ops::matmul(ops::transpose(hidden), d_out);
    kt::Tensor d_hidden = ops::matmul(d_out, ops::transpose(w2));
    if (net.relu) d_hidden = ops::where(ops::greater(pre, 0), d_hidden, 0);
    const kt::Tensor d_w1 = ops::matmul(ops::transpose(net.x), d_hidden);
    w1 = w1 - d_w1 * net.learning_rate;
    w2 = w2 - d_w2 * net.learning_rate;
  }
}

/// Gradients by automatic differentiation: one graph is one whole step.
inline void train_by_autodiff(const TwoLayers& net) {
  kt::Variable w1(net.w1);
  kt::Variable w2(net.w2);
  const auto loss_of = [&](kt::Value a, kt::Value b, kt::Value x, kt::Value y) {
    kt::Value hidden = ops::matmul(x, a);
    if (net.relu) hidden = ops::relu(hidden);
    return ops::sum(ops::square(ops::matmul(hidden, b) - y)) / net.divisor();
  };
  const auto step =
      kt::function([&](kt::CallContext& ctx, kt::Value x, kt::Value y) {
        const kt::Value a = ctx.read(w1);
        const kt::Value b = ctx.read(w2);
        const auto [loss, gradients] =
            kt::value_and_grad(loss_of, {0, 1})(a, b, x, y);
        ctx.assign(w1, a - gradients[0] * net.learning_rate);
        ctx.assign(w2, b - gradients[1] * net.learning_rate);
        return loss;
      });
  for (int i = 0; i < net.steps; ++i) {
    net.print_loss("autodiff", i, step(net.x, net.y).item<double>());
  }
}

/// As a Sequential model. Its loss is the mean over all elements, so that the
/// learning rate is larger by what that divides by.
inline void train_sequential(const TwoLayers& net) {
  using kt::layers::Dense;
  const double scale = static_cast<double>(net.y.size()) / net.divisor();
  kt::Sequential model(
      {kt::layers::Input({net.x.shape()[1]}, {.dtype = net.x.dtype()}),
       Dense(
           net.w1.shape()[1],
           {.activation = net.relu ? "relu" : "linear", .use_bias = false}),
       Dense(net.w2.shape()[1], {.use_bias = false})});
  model.set_weights({net.w1, net.w2});
  model.compile(
      {.optimizer =
           kt::optimizers::SGD({.learning_rate = net.learning_rate * scale}),
       .loss = "mse"});
  for (int step = 0; step < net.steps; ++step) {
    model.reset_metrics();  // else the losses' running mean
    const double loss = model.train_on_batch(net.x, net.y).at("loss");
    net.print_loss("sequential", step, loss * scale);
  }
}

inline void train_three_ways(const TwoLayers& net) {
  train_by_hand(net);
  train_by_autodiff(net);
  train_sequential(net);
}

}  // namespace course
