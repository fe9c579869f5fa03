#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include <keratin/ops.hpp>

#include "src/ir/autodiff.hpp"
#include "src/runtime/program.hpp"
#include "src/runtime/registry.hpp"

using namespace keratin;

namespace {

std::atomic<bool> counting{false};
std::atomic<std::int64_t> allocations{0};

void* counted_or_null(std::size_t bytes) {
  if (counting) ++allocations;
  return std::malloc(bytes == 0 ? 1 : bytes);
}

void* counted(std::size_t bytes) {
  void* data = counted_or_null(bytes);
  if (data == nullptr) throw std::bad_alloc();
  return data;
}

}  // namespace

void* operator new(std::size_t bytes) {
  return counted(bytes);
}

void* operator new[](std::size_t bytes) {
  return counted(bytes);
}

void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return counted_or_null(bytes);
}

void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
  return counted_or_null(bytes);
}

void operator delete(void* data) noexcept {
  std::free(data);
}

void operator delete[](void* data) noexcept {
  std::free(data);
}

void operator delete(void* data, std::size_t) noexcept {
  std::free(data);
}

void operator delete[](void* data, std::size_t) noexcept {
  std::free(data);
}

void operator delete(void* data, const std::nothrow_t&) noexcept {
  std::free(data);
}

void operator delete[](void* data, const std::nothrow_t&) noexcept {
  std::free(data);
}

TEST_CASE("A step in the steady state allocates nothing") {
  const Variable w(Tensor::full(DType::f32, {4, 4, 3, 6}, 0.1), {.name = "w"});
  const Variable v(Tensor::full(DType::f32, {6, 5}, 0.1), {.name = "v"});
  const Variable seed(
      Tensor(std::vector<std::uint32_t>{1, 0}), {.name = "seed"});
  Graph g;
  const Value x = g.parameter({DType::f32, {2, 8, 8, 3}}, "x");
  const Value y = g.parameter({DType::i32, {2}}, "y");
  const Value rw = g.read(w);
  const Value rv = g.read(v);
  const Value state = g.read(seed);
  Value h = ops::relu(ops::conv(x, rw));
  h = ops::max_pool(h, {2, 2}, {.strides = {2, 2}});
  h = h * ops::random_uniform(state, h.shape());
  h = ops::mean(h, {1, 2});
  const ops::ScanResult scanned = ops::scan(
      {h},
      {},
      [&](const std::vector<Value>& carry) -> std::vector<Value> {
        return {ops::tanh(carry[0] * 1.1), ops::sum(carry[0])};
      },
      3);
  h = ops::sort(scanned.carry[0]).values;
  const Value logits = ops::matmul(h, rv);
  const Value loss = ops::mean(ops::sparse_softmax_cross_entropy(logits, y)) +
                     ops::sum(scanned.ys[0]) * 1e-3;
  const std::vector<Value> grads = gradients(loss, {rw, rv});
  g.assign(w, rw - grads[0] * 0.1);
  g.assign(v, rv - grads[1] * 0.1);
  g.assign(seed, state + g.constant(Tensor(std::vector<std::uint32_t>{0, 1})));
  g.set_outputs({loss, logits});

  Program program(g, find_backend("reference"));
  const std::vector<Tensor> inputs = {
      Tensor::full(DType::f32, {2, 8, 8, 3}, 0.5),
      Tensor(std::vector<std::int32_t>{1, 3})};
  std::vector<Tensor> outputs;
  for (int step = 0; step < 10; ++step) program.run(inputs, outputs);
  allocations = 0;
  counting = true;
  for (int step = 0; step < 10; ++step) program.run(inputs, outputs);
  counting = false;
  CHECK(allocations == 0);
}

TEST_CASE("The count of allocations counts") {
  allocations = 0;
  counting = true;
  { const std::vector<int> numbers(100); }
  Tensor copy = Tensor(DType::f32, {10});
  counting = false;
  CHECK(allocations > 0);
}
