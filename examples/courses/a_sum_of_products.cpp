// c = sum(x * y + z) of three arrays of normal numbers, and its gradients:
// y by x, x by y, ones by z.

#include "course.hpp"
#include "numpy_random.hpp"

namespace kt = keratin;
namespace ops = keratin::ops;

int main(int argc, char** argv) {
  const kt::DType dtype = course::dtype_argument(argc, argv);
  NumpyRandom random(0);
  const kt::Tensor x = random.randn({3, 4}).cast(dtype);
  const kt::Tensor y = random.randn({3, 4}).cast(dtype);
  const kt::Tensor z = random.randn({3, 4}).cast(dtype);

  const auto f = [](kt::Value p, kt::Value q, kt::Value r) {
    return ops::sum(p * q + r);
  };
  const auto [c, gradients] = kt::value_and_grad(f, {0, 1, 2})(x, y, z);
  course::print("c", c);
  course::print("dx", gradients[0]);
  course::print("dy", gradients[1]);
  course::print("dz", gradients[2]);
}
