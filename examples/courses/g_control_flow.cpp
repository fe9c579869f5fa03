// A branch and two loops inside the graph, with gradients through them.

#include <vector>

#include "course.hpp"

namespace kt = keratin;
namespace ops = keratin::ops;

using Values = std::vector<kt::Value>;

namespace {

// x^2 where x > 1, else 3 x: one of the two runs.
kt::Value branch(kt::Value x) {
  return ops::cond(
      ops::greater(x, 1.0),
      [&] { return Values{ops::square(x)}; },
      [&] { return Values{x * 3}; })[0];
}

// Sums x, x^2, ..., x^5 by Horner's rule: a loop of a known length.
kt::Value polynomial(kt::Value x) {
  return ops::scan(
             {ops::zeros_like(x)},
             {},
             [&](const Values& carry) { return Values{(carry[0] + 1) * x}; },
             5)
      .carry[0];
}

// Heron's square root of x until two steps agree: a loop that ends when it is
// done, and after 50 steps at the latest, which is what lets it have a
// gradient.
kt::Value root(kt::Value x) {
  return ops::while_loop(
      [](const Values& v) {
        return Values{ops::greater(ops::abs(v[0] - v[1]), 1e-6)};
      },
      [&](const Values& v) {
        return Values{(v[0] + x / v[0]) * 0.5, v[0]};
      },
      {x, ops::zeros_like(x)},
      50)[0];
}

}  // namespace

int main(int argc, char** argv) {
  const kt::DType dtype = course::dtype_argument(argc, argv);
  const auto number = [dtype](double value) {
    return kt::Tensor(value).cast(dtype);
  };
  for (const double x : {4.0, 0.5}) {
    const auto [y, dy] = kt::value_and_grad(branch)(number(x));
    const std::string at = x > 1 ? "above" : "below";
    course::print("cond " + at, y);
    course::print("cond gradient " + at, dy);
  }
  const auto [sum, d_sum] = kt::value_and_grad(polynomial)(number(0.5));
  course::print("scan", sum);
  course::print("scan gradient", d_sum);
  course::print(
      "scan second derivative", kt::grad(kt::grad(polynomial))(number(0.5)));
  const auto [square_root, d_root] = kt::value_and_grad(root)(number(2));
  course::print("while", square_root);
  course::print("while gradient", d_root);
}
