// A training step in the steady state makes nothing: no memory, no object of
// oneDNN. The functions that would are replaced by ones that count.

#include <dlfcn.h>
#include <doctest/doctest.h>
#include <oneapi/dnnl/dnnl.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include <keratin/ops.hpp>

#include "src/ir/autodiff.hpp"
#include "src/runtime/program.hpp"
#include "src/runtime/registry.hpp"
#include "tests/backends/cpu_check.hpp"

using namespace keratin;

namespace {

std::atomic<bool> counting{false};
std::atomic<int> allocations{0};
std::atomic<int> creations{0};

// Inside dnnl_primitive_execute, which looks its arguments up in a hash map of
// its own: those few nodes are oneDNN's, and cannot be had without.
thread_local bool in_execute = false;

void count_allocation() {
  if (counting && !in_execute) ++allocations;
}

void* allocate(std::size_t bytes) {
  count_allocation();
  void* data = std::malloc(bytes == 0 ? 1 : bytes);
  if (data == nullptr) throw std::bad_alloc();
  return data;
}

template <class F>
F next(const char* name) {
  return reinterpret_cast<F>(dlsym(RTLD_NEXT, name));
}

}  // namespace

void* operator new(std::size_t bytes) {
  return allocate(bytes);
}

void* operator new[](std::size_t bytes) {
  return allocate(bytes);
}

void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  count_allocation();
  return std::malloc(bytes == 0 ? 1 : bytes);
}

void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
  count_allocation();
  return std::malloc(bytes == 0 ? 1 : bytes);
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

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && \
    defined(__GLIBC__)
extern "C" {

// NOLINTBEGIN(bugprone-reserved-identifier, readability-identifier-naming)
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* data, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);

// NOLINTEND(bugprone-reserved-identifier, readability-identifier-naming)

void* malloc(std::size_t bytes) {
  count_allocation();
  return __libc_malloc(bytes);
}

void* calloc(std::size_t count, std::size_t bytes) {
  count_allocation();
  return __libc_calloc(count, bytes);
}

void* realloc(void* data, std::size_t bytes) {
  count_allocation();
  return __libc_realloc(data, bytes);
}

void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  count_allocation();
  return __libc_memalign(alignment, bytes);
}

}  // extern "C"
#endif

// NOLINTBEGIN(bugprone-macro-parentheses): types and lists of parameters
#define COUNT_CREATION(name, parameters, arguments)            \
  extern "C" dnnl_status_t name parameters {                   \
    if (counting) ++creations;                                 \
    return next<dnnl_status_t(*) parameters>(#name) arguments; \
  }
// NOLINTEND(bugprone-macro-parentheses)

COUNT_CREATION(
    dnnl_memory_create,
    (dnnl_memory_t * memory,
     const dnnl_memory_desc_t* desc,
     dnnl_engine_t engine,
     void* handle),
    (memory, desc, engine, handle))
COUNT_CREATION(
    dnnl_primitive_create,
    (dnnl_primitive_t * primitive, const_dnnl_primitive_desc_t desc),
    (primitive, desc))
COUNT_CREATION(
    dnnl_primitive_desc_create,
    (dnnl_primitive_desc_t * desc,
     const_dnnl_op_desc_t op,
     const_dnnl_primitive_attr_t attr,
     dnnl_engine_t engine,
     const_dnnl_primitive_desc_t hint),
    (desc, op, attr, engine, hint))
COUNT_CREATION(
    dnnl_reorder_primitive_desc_create,
    (dnnl_primitive_desc_t * desc,
     const dnnl_memory_desc_t* from,
     dnnl_engine_t from_engine,
     const dnnl_memory_desc_t* to,
     dnnl_engine_t to_engine,
     const_dnnl_primitive_attr_t attr),
    (desc, from, from_engine, to, to_engine, attr))
COUNT_CREATION(
    dnnl_stream_create,
    (dnnl_stream_t * stream, dnnl_engine_t engine, unsigned flags),
    (stream, engine, flags))
COUNT_CREATION(
    dnnl_primitive_attr_create, (dnnl_primitive_attr_t * attr), (attr))

extern "C" dnnl_status_t dnnl_primitive_execute(
    const_dnnl_primitive_t primitive,
    dnnl_stream_t stream,
    int count,
    const dnnl_exec_arg_t* arguments) {
  static const auto execute = next<dnnl_status_t (*)(
      const_dnnl_primitive_t, dnnl_stream_t, int, const dnnl_exec_arg_t*)>(
      "dnnl_primitive_execute");
  in_execute = true;
  const dnnl_status_t status = execute(primitive, stream, count, arguments);
  in_execute = false;
  return status;
}

namespace {

// A small network with dropout, batch normalisation and Adam: all that a
// training step has.
struct Step {
  std::vector<Variable> weights;
  Graph graph;
  std::vector<Tensor> inputs;

  Value weight(const Shape& shape) {
    weights.emplace_back(
        testing::spread(DType::f32, shape, -0.3, 0.3, weights.size() + 1),
        VariableOptions{.name = "w"});
    return graph.read(weights.back());
  }

  Step() {
    const std::int64_t batch = 8;
    const Value x = graph.parameter({DType::f32, {batch, 14, 14, 3}}, "x");
    const Value y = graph.parameter({DType::i32, {batch}}, "y");
    const Variable seed(
        Tensor(std::vector<std::uint32_t>{1, 0}), {.name = "seed"});
    const Value state = graph.read(seed);
    const std::vector<Value> read = {
        weight({3, 3, 3, 16}),
        weight({16}),
        weight({16}),
        weight({576, 32}),
        weight({32}),
        weight({32, 5}),
        weight({32}),
        weight({32})};
    Value h = ops::conv(x, read[0]);
    h = ops::batch_norm_training(h, read[1], read[2], 1e-3).y;
    h = ops::max_pool(ops::relu(h), {2, 2}, {.strides = {2, 2}});
    h = ops::reshape(h, {batch, 576});
    h = ops::relu(ops::matmul(h, read[3]) + read[4]);
    const Value kept =
        ops::greater_equal(ops::random_uniform(state, h.shape()), 0.3);
    h = ops::where(kept, h * (1 / 0.7), ops::zeros_like(h));
    h = ops::layer_norm(h, read[6], read[7], 1e-3);
    const Value loss = ops::mean(
        ops::sparse_softmax_cross_entropy(ops::matmul(h, read[5]), y));
    const std::vector<Value> grads = gradients(loss, read);
    for (std::size_t i = 0; i < read.size(); ++i) {
      const Variable m(Tensor(DType::f32, read[i].shape()), {.name = "m"});
      const Variable v(Tensor(DType::f32, read[i].shape()), {.name = "v"});
      const Value new_m = graph.read(m) + (grads[i] - graph.read(m)) * 0.1;
      const Value new_v =
          graph.read(v) + (ops::square(grads[i]) - graph.read(v)) * 0.001;
      graph.assign(m, new_m);
      graph.assign(v, new_v);
      graph.assign(
          weights[i], read[i] - new_m * 0.01 / (ops::sqrt(new_v) + 1e-7));
    }
    graph.assign(
        seed, state + graph.constant(Tensor(std::vector<std::uint32_t>{0, 1})));
    graph.set_outputs({loss});
    inputs = {
        testing::spread(DType::f32, {batch, 14, 14, 3}, -1, 1, 99),
        Tensor(std::vector<std::int32_t>{0, 1, 2, 3, 4, 0, 1, 2})};
  }
};

}  // namespace

TEST_CASE("Steps 10 to 20 of training allocate nothing and create nothing") {
  Step step;
  counting = true;
  Program program(step.graph, find_backend("cpu"));
  counting = false;
  CHECK(allocations > 0);  // the counters count
  CHECK(creations > 0);
  std::vector<Tensor> outputs;
  program.run(step.inputs, outputs);
  const double first = outputs[0].at(0);
  for (int i = 1; i < 10; ++i) program.run(step.inputs, outputs);
  allocations = 0;
  creations = 0;
  counting = true;
  for (int i = 10; i <= 20; ++i) program.run(step.inputs, outputs);
  counting = false;
  CHECK(allocations == 0);
  CHECK(creations == 0);
  CHECK(outputs[0].at(0) < first);  // and it learns
}
