#include <doctest/doctest.h>

#include <cmath>
#include <thread>
#include <vector>

#include <keratin/backend.hpp>
#include <keratin/error.hpp>
#include <keratin/function.hpp>
#include <keratin/ops.hpp>
#include <keratin/variable.hpp>

#include "tests/support/skip.hpp"
#include "tests/support/throws.hpp"

namespace keratin {

namespace {

using testing::message_of;

Tensor number(double value) {
  return Tensor(value);
}

Value cube(Value x) {
  return x * x * x;
}

/// The default backend while it lives.
class BackendScope {
 public:
  explicit BackendScope(const char* name) { set_backend(name); }

  ~BackendScope() { set_backend({}); }

  BackendScope(const BackendScope&) = delete;
  BackendScope& operator=(const BackendScope&) = delete;
};

}  // namespace

TEST_CASE("A function is traced once for each types of its arguments") {
  int traces = 0;
  const auto f = function([&](Value x, Value w) {
    ++traces;
    return ops::sum(ops::matmul(x, w));
  });
  const Tensor x = Tensor::full(DType::f32, {2, 3}, 1);
  const Tensor w = Tensor::full(DType::f32, {3, 4}, 2);
  CHECK(f(x, w).item<float>() == 48);
  CHECK(f(x, w).item<float>() == 48);
  CHECK(traces == 1);
  CHECK(f(x.cast(DType::f64), w.cast(DType::f64)).dtype() == DType::f64);
  CHECK(f(Tensor::full(DType::f32, {5, 3}, 1), w).item<float>() == 120);
  CHECK(traces == 3);
  CHECK(f.program_count() == 3);
}

TEST_CASE(
    "Functions take plain functions, vectors, contexts and generic code") {
  CHECK(function(cube)(number(2)).item<double>() == 8);
  const auto swapped = function([](const std::vector<Value>& in) {
    return std::vector<Value>{in[1], in[0]};
  });
  const std::vector<Tensor> both = swapped(number(1), number(2));
  CHECK(both[0].item<double>() == 2);
  CHECK(swapped({number(3), number(4)})[1].item<double>() == 3);
  const auto generic =
      function([](const auto& x, const auto& y) { return x * 2 + y; });
  CHECK(generic(number(1), number(5)).item<double>() == 7);
  const auto constant = function([](CallContext& ctx) {
    return ops::full(ctx.graph(), {2}, 3, DType::f32);
  });
  CHECK(constant() == Tensor(std::vector<float>{3, 3}));
}

TEST_CASE("The programs of a function are bounded") {
  const BackendScope scope("reference");
  const auto f = function([](Value x) { return ops::sum(x); });
  for (int n = 1; n <= 80; ++n) {
    CHECK(f(Tensor::full(DType::f32, {n}, 1)).item<float>() == n);
  }
  CHECK(f.program_count() == 64);
}

TEST_CASE("A function may be called from several threads") {
  int traces = 0;
  const auto f = function([&](Value x) {
    ++traces;
    return ops::sum(x * 2);
  });
  std::vector<int> wrong(4, 0);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 40; ++i) {
        const int n = 1 + (i + t) % 5;
        wrong[t] += f(Tensor::full(DType::f32, {n}, t)).item<float>() !=
                    2.0F * static_cast<float>(n * t);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == std::vector<int>(4, 0));
  CHECK(traces == 5);
}

TEST_CASE("Gradients by one argument and by several") {
  const auto f = [](Value x, Value y, Value z) { return ops::sum(x * y + z); };
  const Tensor x(std::vector<double>{1, 2});
  const Tensor y(std::vector<double>{3, 4});
  const Tensor z(std::vector<double>{5, 6});
  CHECK(grad(f)(x, y, z) == y);
  CHECK(grad(f, 1)(x, y, z) == x);
  const std::vector<Tensor> all = grad(f, {0, 1, 2})(x, y, z);
  CHECK(all[2] == Tensor(std::vector<double>{1, 1}));
  const auto [value, dx] = value_and_grad(f)(x, y, z);
  CHECK(value.item<double>() == 22);
  CHECK(dx == y);
  const auto [same, both] = value_and_grad(f, {2, 1})(x, y, z);
  CHECK(same.item<double>() == 22);
  CHECK(both[1] == x);
}

TEST_CASE("Gradients of gradients") {
  const auto first = grad(cube);
  const auto second = grad(first);
  const auto third = grad(second);
  CHECK(first(number(2)).item<double>() == 12);
  CHECK(second(number(2)).item<double>() == 12);
  CHECK(third(number(2)).item<double>() == 6);
  CHECK(grad(third)(number(2)).item<double>() == 0);
}

TEST_CASE("What a function captures is not its argument") {
  // d/dx (x * d/dy (x + y)) is 1: the inner derivative does not see x.
  const auto f = [](Value x) {
    return x * grad([x](Value y) { return x + y; })(x);
  };
  CHECK(grad(f)(number(3)).item<double>() == 1);
  // By one argument when both are one value.
  const auto product = [](Value a, Value b) { return a * b; };
  const auto square = function([&](Value x) { return grad(product)(x, x); });
  CHECK(square(number(5)).item<double>() == 5);
}

TEST_CASE("Functions call functions") {
  const auto inner = function([](Value x) { return ops::exp(x); });
  const auto outer = function([&](Value x) { return inner(x) + 1; });
  CHECK(outer(number(0)).item<double>() == 2);
  CHECK(grad(outer)(number(0)).item<double>() == 1);
}

TEST_CASE("A function reads and assigns variables") {
  Variable weight(Tensor(4.0));
  const auto step = function([&](CallContext& ctx, Value x) {
    const Value w = ctx.read(weight);
    const Value loss = ops::square(w - x);
    ctx.assign(weight, w - gradients(loss, {w})[0] * 0.25);
    return loss;
  });
  CHECK(step(number(0)).item<double>() == 16);
  CHECK(weight.value().item<double>() == 2);
  CHECK(step(number(0)).item<double>() == 4);
  CHECK(weight.value().item<double>() == 1);
  weight.assign(Tensor(10.0));
  CHECK(step(number(0)).item<double>() == 100);
  const auto reader =
      function([&](CallContext& ctx, Value x) { return ctx.read(weight) * x; });
  CHECK(grad(reader)(number(1)).item<double>() == 5);
}

TEST_CASE("Gradients through cond, scan and a bounded while loop") {
  const auto branch = [](Value x) {
    return ops::cond(
        ops::greater(x, 1.0),
        [&] { return std::vector<Value>{x * x}; },
        [&] { return std::vector<Value>{x * 3}; })[0];
  };
  CHECK(grad(branch)(number(4)).item<double>() == 8);
  CHECK(grad(branch)(number(0.5)).item<double>() == 3);
  const auto power = [](Value x) {
    return ops::scan(
               {ops::ones_like(x)},
               {},
               [&](const std::vector<Value>& carry) {
                 return std::vector<Value>{carry[0] * x};
               },
               4)
        .carry[0];
  };
  CHECK(function(power)(number(3)).item<double>() == 81);
  CHECK(grad(power)(number(3)).item<double>() == 108);
  CHECK(grad(grad(power))(number(3)).item<double>() == 108);
  const auto doubling = [](Value x) {
    return ops::while_loop(
        [](const std::vector<Value>& v) {
          return std::vector<Value>{ops::less(v[0], 100.0)};
        },
        [](const std::vector<Value>& v) {
          return std::vector<Value>{v[0] * 2};
        },
        {x},
        20)[0];
  };
  CHECK(function(doubling)(number(3)).item<double>() == 192);
  CHECK(grad(doubling)(number(3)).item<double>() == 64);
}

TEST_CASE("A gradient inside the body of a loop") {
  // Newton's steps towards the minimum of (x - 2)^2, derivatives by grad.
  const auto f = function([](Value x) {
    return ops::scan(
               {x},
               {},
               [](const std::vector<Value>& carry) {
                 const auto slope =
                     grad([](Value t) { return ops::square(t - 2); });
                 return std::vector<Value>{carry[0] - slope(carry[0]) * 0.5};
               },
               3)
        .carry[0];
  });
  CHECK(f(number(10)).item<double>() == 2);
}

TEST_CASE("Functions compute on the backend that is chosen") {
  const auto f = function([](Value x) { return ops::sum(x); });
  const Tensor x = Tensor::full(DType::f32, {3}, 2);
  if (backend_name() == "reference") KERATIN_SKIP("only one backend");
  CHECK(f(x).item<float>() == 6);
  const BackendScope scope("reference");
  CHECK(f(x).item<float>() == 6);
  CHECK(f.program_count() == 2);
}

TEST_CASE("Wrong calls of functions are named") {
  const auto f = function([](Value x, Value y) { return x + y; });
  CHECK(message_of<InvalidArgument>([&] {
          f(number(1));
        }) == "[function] expected 2 arguments, got 1");
  CHECK(message_of<InvalidArgument>([&] {
          f(number(1), Tensor(std::vector<std::string>{"a"}));
        }) == "[function] expected numbers as argument 1, got strings");
  CHECK(message_of<InvalidArgument>([] {
          function([](Value) { return Value(); })(number(1));
        }) == "[function] returned an empty value");
  CHECK_THROWS_AS(f(number(1), Tensor(1)), InvalidArgument);  // f64 and i32
  // A trace that failed leaves nothing behind.
  CHECK(f.program_count() == 0);
  CHECK(f(number(1), number(2)).item<double>() == 3);
}

TEST_CASE("Wrong derivatives are named") {
  const auto f = [](Value x) { return x * 2; };
  const Tensor pair(std::vector<float>{1, 2});
  CHECK(
      message_of<InvalidArgument>([&] { grad(f)(pair); }) ==
      "[grad] expected a function whose result is a scalar, got f32[2]; "
      "reduce it first, e.g. with ops::sum");
  CHECK(message_of<InvalidArgument>([&] {
          grad(f, 1)(number(1));
        }) == "[grad] expected argnums of 1 arguments, got 1");
  CHECK(
      message_of<InvalidArgument>([&] { grad(f)(Tensor(3)); }) ==
      "[grad] argument 0 is i32[]; only floating-point arguments have "
      "derivatives");
  CHECK(message_of<InvalidArgument>([&] {
          grad(f, std::vector<std::int64_t>{});
        }) == "[grad] expected at least one of argnums");
  CHECK(message_of<InvalidArgument>([&] {
          grad([](Value x) { return std::vector<Value>{x, x}; })(number(1));
        }) == "[grad] expected a function with one result, got 2 results");
  CHECK(
      message_of<InvalidArgument>([&] {
        grad([](Value x) { return ops::cast(x, DType::i32); })(number(1));
      }) ==
      "[grad] expected a function whose result is floating-point, got i32");
}

TEST_CASE("A function that assigns needs the context where it is called") {
  Variable weight(Tensor(1.0));
  const auto step = function([&](CallContext& ctx, Value x) {
    ctx.assign(weight, x);
    return x;
  });
  const auto without = function([&](Value x) { return step(x); });
  CHECK(
      message_of<InvalidArgument>([&] { without(number(2)); }) ==
      "[function] assigns the variable 'variable'; call it with the context, "
      "f(ctx, ...)");
  const auto with =
      function([&](CallContext& ctx, Value x) { return step(ctx, x); });
  with(number(7));
  CHECK(weight.value().item<double>() == 7);
}

}  // namespace keratin
