#include <doctest/doctest.h>

#include <keratin/ops.hpp>

#include "src/runtime/program.hpp"
#include "src/runtime/registry.hpp"
#include "src/runtime/variable_sync.hpp"

using namespace keratin;

namespace {

Backend& reference_backend() {
  return find_backend("reference");
}

Tensor numbers(const std::vector<float>& values) {
  return Tensor(values);
}

}  // namespace

TEST_CASE("A variable updated in place has readers before and after") {
  const Variable w(numbers({1, 2, 3}), {.name = "w"});
  Graph g;
  const Value grad = g.parameter({DType::f32, {3}}, "g");
  const Value old = g.read(w);
  const Value earlier = ops::sum(old);
  const Value updated = old - grad;
  g.assign(w, updated);
  const Value later = old * 10;            // still the value before the step
  const Value of_new = updated * updated;  // the value after it
  g.set_outputs({earlier, later, of_new});
  Program program(g, reference_backend());
  const std::vector<Tensor> inputs = {numbers({1, 1, 1})};
  std::vector<Tensor> outputs = program.run(inputs);
  CHECK(outputs[0] == Tensor(6.0F));
  CHECK(outputs[1] == numbers({10, 20, 30}));
  CHECK(outputs[2] == numbers({0, 1, 4}));
  CHECK(w.value() == numbers({0, 1, 2}));
  outputs = program.run(inputs);
  CHECK(outputs[1] == numbers({0, 10, 20}));
  CHECK(w.value() == numbers({-1, 0, 1}));
}

TEST_CASE("Variables can be swapped, rotated and duplicated in one step") {
  const Variable a(numbers({1}), {.name = "a"});
  const Variable b(numbers({2}), {.name = "b"});
  const Variable c(numbers({3}), {.name = "c"});
  const Variable d(numbers({4}), {.name = "d"});
  Graph g;
  const Value old_a = g.read(a);
  g.assign(a, g.read(b));
  g.assign(b, g.read(c));
  g.assign(c, old_a);
  g.assign(d, g.read(b));
  Program program(g, reference_backend());
  program.run({});
  CHECK(a.value() == numbers({2}));
  CHECK(b.value() == numbers({3}));
  CHECK(c.value() == numbers({1}));
  CHECK(d.value() == numbers({2}));
}

TEST_CASE("One new value can go to two variables") {
  const Variable a(numbers({1, 2}), {.name = "a"});
  const Variable b(numbers({0, 0}), {.name = "b"});
  Graph g;
  const Value updated = g.read(a) * 3;
  g.assign(a, updated);
  g.assign(b, updated);
  Program program(g, reference_backend());
  program.run({});
  CHECK(a.value() == numbers({3, 6}));
  CHECK(b.value() == numbers({3, 6}));
}

TEST_CASE("A variable can be assigned a parameter or a constant") {
  const Variable a(numbers({1, 2}), {.name = "a"});
  const Variable b(numbers({1, 2}), {.name = "b"});
  Graph g;
  g.assign(a, g.parameter({DType::f32, {2}}, "x"));
  g.assign(b, g.constant(numbers({8, 9})));
  Program program(g, reference_backend());
  program.run(std::vector<Tensor>{numbers({5, 6})});
  CHECK(a.value() == numbers({5, 6}));
  CHECK(b.value() == numbers({8, 9}));
}

TEST_CASE("A host assignment between steps reaches the device") {
  Variable w(numbers({1}), {.name = "w"});
  Graph g;
  const Value old = g.read(w);
  g.assign(w, old + 1);
  g.set_outputs({old});
  Program program(g, reference_backend());
  program.run({});
  CHECK(w.value() == numbers({2}));
  w.assign(numbers({10}));
  CHECK(program.run({})[0] == numbers({10}));
  CHECK(w.value() == numbers({11}));
  CHECK(program.run({})[0] == numbers({11}));
}

TEST_CASE("A variable's version grows with every change") {
  const Variable w(numbers({1}), {.name = "w"});
  Graph g;
  g.assign(w, g.read(w) + 1);
  Program program(g, reference_backend());
  const std::uint64_t before = w.state().version;
  program.run({});
  CHECK(w.state().version > before);
}

TEST_CASE("Storage of another backend is replaced, its value kept") {
  // Stands for a device whose memory a host backend cannot compute in.
  class Elsewhere final : public DeviceStorage {
   public:
    std::string device() const override { return "elsewhere:0"; }

    Tensor download() const override { return value_; }

    void upload(const Tensor& value) override { value_ = value; }

   private:
    Tensor value_;
  };

  const Variable w(numbers({1}), {.name = "w"});
  VariableState& state = w.state();
  state.device = std::make_shared<Elsewhere>();
  state.device->upload(numbers({42}));
  state.device_current = true;
  state.host_current = false;
  Graph g;
  const Value old = g.read(w);
  g.assign(w, old + 1);
  g.set_outputs({old});
  Program program(g, reference_backend());
  CHECK(program.run({})[0] == numbers({42}));
  CHECK(w.value() == numbers({43}));
  CHECK(state.device->device() == "reference");
}

TEST_CASE("Variables of every dtype and of no elements live on the device") {
  for (int i = 0; i < kDTypeCount; ++i) {
    const auto dtype = static_cast<DType>(i);
    if (dtype == DType::string) continue;
    CAPTURE(short_name(dtype));
    const Variable w(Tensor::full(dtype, {3}, 1), {.name = "w"});
    const Variable none(Tensor(dtype, {0, 4}), {.name = "none"});
    Graph g;
    const Value x = g.parameter({dtype, {3}}, "x");
    g.assign(w, x);
    g.set_outputs({g.read(none), g.read(w)});
    Program program(g, reference_backend());
    const Tensor zero(dtype, {3});
    const std::vector<Tensor> outputs = program.run(std::vector<Tensor>{zero});
    CHECK(outputs[0] == Tensor(dtype, {0, 4}));
    CHECK(outputs[1] == Tensor::full(dtype, {3}, 1));
    CHECK(w.value() == zero);
  }
}
