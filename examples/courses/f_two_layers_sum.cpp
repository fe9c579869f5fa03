// The two-layer net with 10 outputs; the loss is the sum of all squares.

#include "numpy_random.hpp"
#include "two_layers.hpp"

int main(int argc, char** argv) {
  const auto dtype = course::dtype_argument(argc, argv);
  NumpyRandom random(0);
  course::TwoLayers net;
  net.mean = false;
  net.learning_rate = 1e-6;
  net.steps = 500;
  net.print_every = 50;
  net.x = random.randn({64, 1000}).cast(dtype);
  net.y = random.randn({64, 10}).cast(dtype);
  net.w1 = random.randn({1000, 100}).cast(dtype);
  net.w2 = random.randn({100, 10}).cast(dtype);
  course::train_three_ways(net);
}
