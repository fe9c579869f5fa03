// 64 rows, 1000 inputs, 100 hidden units, 1000 outputs, ReLU between; the loss
// is the mean over the batch of summed squares.

#include "numpy_random.hpp"
#include "two_layers.hpp"

int main(int argc, char** argv) {
  const auto dtype = course::dtype_argument(argc, argv);
  NumpyRandom random(0);
  course::TwoLayers net;
  net.x = random.randn({64, 1000}).cast(dtype);
  net.w1 = random.randn({1000, 100}).cast(dtype);
  net.w2 = random.randn({100, 1000}).cast(dtype);
  net.y = random.randn({64, 1000}).cast(dtype);
  course::train_three_ways(net);
}
