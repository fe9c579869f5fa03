// Uses the installed library through public headers alone: fits a model, saves
// it, loads it back, and catches an exception that crosses the library's
// border.

#include <cmath>
#include <iostream>
#include <vector>

#include <keratin/keratin.hpp>

namespace kt = keratin;
using namespace kt::layers;

namespace {

/// Learns y = 2a - b and gives back the mean squared error of a saved and
/// loaded model.
double fit_and_reload() {
  std::vector<float> x;
  std::vector<float> y;
  for (int i = 0; i < 256; ++i) {
    const auto a = static_cast<float>(std::sin(i));
    const auto b = static_cast<float>(std::cos(3 * i));
    x.insert(x.end(), {a, b});
    y.push_back(2 * a - b);
  }
  const kt::Tensor inputs(x, {256, 2});
  const kt::Tensor targets(y, {256, 1});
  kt::Sequential model(
      {Input({2}), Dense(16, {.activation = "relu"}), Dense(1)});
  model.compile(
      {.optimizer = kt::optimizers::Adam({.learning_rate = 0.01}),
       .loss = "mse"});
  const kt::History history = model.fit(
      inputs, targets, {.batch_size = 32, .epochs = 30, .verbose = 0});
  std::cout << "losses: " << history["loss"].front() << " to "
            << history["loss"].back() << "\n";
  model.save("consumer.keras");
  kt::Model loaded = kt::load_model("consumer.keras");
  return loaded.evaluate(inputs, targets, {.verbose = 0}).at("loss");
}

}  // namespace

int main() {
  kt::set_random_seed(1);
  const double error = fit_and_reload();
  if (!(error < 0.01)) {
    std::cerr << "expected an error below 0.01, got " << error << "\n";
    return 1;
  }
  const kt::Tensor x(std::vector<float>{1, 2, 3, 4}, {2, 2});
  try {
    x.reshape({3});
  } catch (const kt::InvalidArgument& error) {
    std::cout << error.what() << "\n";
    return 0;
  }
  std::cerr << "expected InvalidArgument\n";
  return 1;
}
