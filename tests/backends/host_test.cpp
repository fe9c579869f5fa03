#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>

#include <keratin/error.hpp>
#include <keratin/ops.hpp>

#include "src/backends/host/executable.hpp"
#include "src/backends/host/finite.hpp"
#include "src/backends/host/memory.hpp"
#include "src/backends/host/selection.hpp"
#include "src/backends/reference/kernels.hpp"
#include "src/core/log.hpp"
#include "tests/support/throws.hpp"

using namespace keratin;
using keratin::testing::message_of;

namespace {

// A kernel that writes a number, to tell which one ran.
template <int kMark>
class Marker final : public host::Kernel {
 public:
  void bind(const host::Binding& binding) override { binding_ = binding; }

  void run() override { *binding_.outputs[0].as<float>() = kMark; }

 private:
  host::Binding binding_;
};

template <int kMark>
std::unique_ptr<host::Kernel> make(
    host::KernelFactory&, const Graph&, const Node&) {
  return std::make_unique<Marker<kMark>>();
}

Support never(const Graph&, const Node&) {
  return Support::no("it is Sunday");
}

Support exp_only(const Graph&, const Node& node) {
  return node.op == Op::exp ? Support::yes() : Support::no("");
}

Support always(const Graph&, const Node&) {
  return Support::yes();
}

constexpr host::KernelEntry kTable[] = {
    {"fancy", never, make<1>},
    {"exponential", exp_only, make<2>},
    {"plain", always, make<3>},
};

float run_marked(Value (*op)(const Value&)) {
  Graph g;
  g.set_outputs({op(g.parameter({DType::f32, {}}, "x"))});
  const auto executable = host::compile(std::move(g), kTable, "test", {});
  std::vector<Tensor> outputs;
  executable->run(std::vector<Tensor>{Tensor(0.0F)}, outputs);
  return outputs[0].item<float>();
}

}  // namespace

TEST_CASE("The first kernel of the table that takes a node wins") {
  CHECK(run_marked(ops::exp) == 2);
  CHECK(run_marked(ops::sin) == 3);
}

TEST_CASE("The dispatch log says who won and why others lost") {
  const LogCapture log({"dispatch"});
  run_marked(ops::exp);
  CHECK(
      log.contains("test: exponential runs [exp %1]; not fancy: it is "
                   "Sunday"));
  run_marked(ops::sin);
  CHECK(log.contains("test: plain runs [sin %1]; not fancy: it is Sunday"));
}

TEST_CASE("A table without a kernel for a node gives the reasons") {
  Graph g;
  const Value x = g.parameter({DType::f32, {}}, "x");
  const Value y = ops::sin(x);
  const auto supports = [&](std::span<const host::KernelEntry> table, Value v) {
    return host::supports(table, g, g.node(g.producer(v.id())));
  };
  const std::span<const host::KernelEntry> table(kTable);
  CHECK(supports(table, y));
  CHECK(supports(table.first(0), x));  // a parameter needs no kernel
  CHECK(supports(table.first(1), y).reason == "fancy: it is Sunday");
  CHECK(supports(table.subspan(1, 1), y).reason == "no kernel for sin");
  g.set_outputs({y});
  const std::string message = message_of<InternalError>(
      [&] { host::compile(g, table.first(1), "test", {}); });
  CHECK(message.find("test has no kernel for [sin %1]") != std::string::npos);
}

TEST_CASE("Host memory is aligned, and impossible sizes are an error") {
  for (const std::int64_t bytes : {1, 100, 5 << 20}) {
    const host::AlignedBuffer buffer(bytes);
    CHECK(reinterpret_cast<std::uintptr_t>(buffer.data()) % 64 == 0);
    CHECK(buffer.size() == bytes);
  }
  CHECK(host::AlignedBuffer(0).data() == nullptr);
  const std::string message = message_of<SystemError>(
      [] { host::AlignedBuffer(std::int64_t{1} << 60); });
  CHECK(
      message.find("aligned_alloc of 1152921504606846976 bytes failed") !=
      std::string::npos);
}

TEST_CASE("A workspace grows and never shrinks") {
  host::HostWorkspace workspace;
  std::byte* small = workspace.reserve(100);
  CHECK(workspace.reserve(50) == small);
  std::byte* large = workspace.reserve(10 << 20);
  CHECK(workspace.reserve(100) == large);
}

TEST_CASE("Storage gives back what was uploaded and refuses other types") {
  const auto storage = host::allocate("somewhere", DType::f32, {2});
  const Tensor value(std::vector<float>{1, 2});
  storage->upload(value);
  CHECK(storage->download() == value);
  CHECK(storage->device() == "somewhere");
  CHECK_THROWS_AS(storage->upload(Tensor(DType::f64, {2})), InternalError);
  CHECK_THROWS_AS(storage->upload(Tensor(DType::f32, {3})), InternalError);
}

TEST_CASE("The first NaN or infinity of any floating dtype is found") {
  for (const DType dtype : {DType::f32, DType::f64, DType::f16, DType::bf16}) {
    Tensor x = Tensor::full(DType::f64, {5}, 1);
    const ValueType type{dtype, {5}};
    const auto first = [&](const Tensor& t) {
      Tensor copy = t.cast(dtype);
      return host::first_non_finite({copy.mutable_raw(), &type});
    };
    CHECK(first(x) == -1);
    x.mutable_data<double>()[3] = NAN;
    CHECK(first(x) == 3);
    x.mutable_data<double>()[1] = -HUGE_VAL;
    CHECK(first(x) == 1);
  }
  Tensor whole = Tensor::full(DType::i32, {2}, 7);
  const ValueType type{DType::i32, {2}};
  CHECK(host::first_non_finite({whole.mutable_raw(), &type}) == -1);
}

TEST_CASE("An executable whose variables are nowhere says so") {
  const Variable w(Tensor(1.0F), {.name = "w"});
  Graph g;
  g.set_outputs({g.read(w)});
  const auto executable =
      host::compile(std::move(g), reference::kernels(), "reference", {});
  std::vector<Tensor> outputs;
  const std::string message =
      message_of<InternalError>([&] { executable->run({}, outputs); });
  CHECK(message.find("variable w is not on this device") != std::string::npos);
}
