// y = x^2 at 3: the derivative is 6, the second derivative 2.

#include "course.hpp"

namespace kt = keratin;

int main(int argc, char** argv) {
  const kt::DType dtype = course::dtype_argument(argc, argv);
  const kt::Tensor x = kt::Tensor(3.0).cast(dtype);
  const auto square = [](kt::Value x) { return x * x; };
  course::print("y", kt::function(square)(x));
  course::print("dy", kt::grad(square)(x));
  course::print("ddy", kt::grad(kt::grad(square))(x));
}
