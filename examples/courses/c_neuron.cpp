// A neuron with two inputs and a bias: 1 / (1 + exp(-(w0 x0 + w1 x1 + w2))),
// and its gradients by all five numbers.

#include "course.hpp"

namespace kt = keratin;
namespace ops = keratin::ops;

int main(int argc, char** argv) {
  const kt::DType dtype = course::dtype_argument(argc, argv);
  const auto number = [dtype](double value) {
    return kt::Tensor(value).cast(dtype);
  };
  const auto neuron =
      [](kt::Value w0, kt::Value w1, kt::Value w2, kt::Value x0, kt::Value x1) {
        return ops::sigmoid(w0 * x0 + w1 * x1 + w2);
      };
  const auto [y, gradients] = kt::value_and_grad(neuron, {0, 1, 2, 3, 4})(
      number(2), number(-3), number(-3), number(-1), number(-2));
  course::print("y", y);
  course::print("dw0", gradients[0]);
  course::print("dw1", gradients[1]);
  course::print("dw2", gradients[2]);
  course::print("dx0", gradients[3]);
  course::print("dx1", gradients[4]);
}
