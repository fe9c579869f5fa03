#include "tests/support/checks/check_layer.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include <keratin/layers/input.hpp>
#include <keratin/ops.hpp>

#include "src/ir/autodiff.hpp"
#include "src/ir/graph.hpp"
#include "src/runtime/program.hpp"
#include "src/runtime/registry.hpp"

namespace keratin::testing {

Tensor noise(const Shape& shape, unsigned seed, DType dtype) {
  Tensor out(DType::f64, shape);
  std::uint64_t state = 0x9E3779B97F4A7C15ULL * (seed + 1);
  for (double& value : out.mutable_data<double>()) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    value = static_cast<double>(state >> 11) * 0x1p-52 - 1;
  }
  return out.cast(dtype);
}

void check_close(const Tensor& got, const Tensor& want, double tolerance) {
  REQUIRE(got.shape().str() == want.shape().str());
  double scale = 1;
  for (std::int64_t i = 0; i < want.size(); ++i) {
    if (std::isfinite(want.at(i)))
      scale = std::max(scale, std::abs(want.at(i)));
  }
  for (std::int64_t i = 0; i < want.size(); ++i) {
    const double a = got.at(i);
    const double b = want.at(i);
    const bool same = (std::isnan(a) && std::isnan(b)) || a == b ||
                      std::abs(a - b) <= tolerance * scale;
    if (same) continue;
    CHECK_MESSAGE(
        same,
        "element ",
        i,
        " of ",
        want.shape().str(),
        ": got ",
        a,
        ", want ",
        b);
    return;
  }
}

namespace {

Value scalar_sum(const Value& x, unsigned seed) {
  const Tensor weights = noise(x.shape(), seed, x.dtype());
  return ops::sum(x * ops::constant(x.graph(), weights));
}

/// The layer's results for parameters of the inputs' types.
std::vector<Value> call_on_parameters(
    CallContext& ctx,
    Graph& graph,
    const Layer& layer,
    const std::vector<Tensor>& inputs,
    const std::vector<std::optional<Tensor>>& masks,
    std::vector<Value>& values) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    values.push_back(
        graph.parameter({inputs[i].dtype(), inputs[i].shape()}, "x"));
    if (i < masks.size() && masks[i]) {
      ctx.set_mask(values[i], ops::constant(graph, *masks[i]));
    }
  }
  return layer.call(
      ctx, values.size() == 1 ? CallInputs(values[0]) : CallInputs(values));
}

/// The sum of floating outputs, each times `noise`, and of the layer's losses;
/// none when there are none.
Value total_of(const std::vector<Value>& outputs, const Value& loss) {
  Value total = loss;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!is_floating(outputs[i].dtype())) continue;
    const Value term = scalar_sum(outputs[i], 100 + static_cast<unsigned>(i));
    total = total ? total + term : term;
  }
  return total;
}

Value sum_of_losses(const CallContext& ctx) {
  Value loss;
  for (const Value& term : ctx.losses()) loss = loss ? loss + term : term;
  return loss;
}

/// Everything that run_layer and the finite differences need.
LayerRun run(
    const Layer& layer,
    const std::vector<Tensor>& inputs,
    const std::vector<std::optional<Tensor>>& masks,
    const RunOptions& options,
    bool with_gradients) {
  Graph graph;
  CallContext ctx(graph, options.training);
  std::vector<Value> values;
  const std::vector<Value> outputs =
      call_on_parameters(ctx, graph, layer, inputs, masks, values);
  std::vector<Value> results = outputs;

  const Value loss = sum_of_losses(ctx);
  if (loss) results.push_back(loss);

  std::vector<Value> gradients;
  if (with_gradients) {
    const Value total = total_of(outputs, loss);
    std::vector<Value> by;
    for (const Value& x : values) {
      if (is_floating(x.dtype())) by.push_back(x);
    }
    for (const Variable& variable : layer.trainable_weights()) {
      by.push_back(graph.read(variable));
    }
    if (total && !by.empty()) gradients = keratin::gradients(total, by);
    results.insert(results.end(), gradients.begin(), gradients.end());
  }

  std::size_t assigned = 0;
  for (const auto& [variable, value] : ctx.assigned()) {
    results.push_back(value);
    ++assigned;
  }
  const Value mask = ctx.mask(outputs[0]);
  if (mask) results.push_back(mask);
  graph.set_outputs(results);

  Program program(graph, find_backend(options.backend));
  std::vector<Tensor> arrays = program.run(inputs);
  LayerRun out;
  auto at = arrays.begin();
  const auto take = [&](std::size_t count) {
    std::vector<Tensor> part(at, at + static_cast<std::ptrdiff_t>(count));
    at += static_cast<std::ptrdiff_t>(count);
    return part;
  };
  out.outputs = take(outputs.size());
  if (loss) out.loss = take(1)[0];
  out.gradients = take(gradients.size());
  out.assigned = take(assigned);
  if (mask) out.mask = take(1)[0];
  return out;
}

}  // namespace

LayerRun run_layer(
    const Layer& layer,
    const std::vector<Tensor>& inputs,
    const RunOptions& options) {
  return run(layer, inputs, {}, options, true);
}

LayerRun run_masked(
    const Layer& layer,
    const std::vector<Tensor>& inputs,
    const std::vector<std::optional<Tensor>>& masks,
    const RunOptions& options) {
  return run(layer, inputs, masks, options, true);
}

namespace {

/// In the config of a layer and of the layers inside.
void set_dtypes(Config& config, const std::string& dtype) {
  if (config.is_array()) {
    for (Config& item : config.as_array()) set_dtypes(item, dtype);
  }
  if (!config.is_object()) return;
  for (auto& [key, value] : config.as_object()) {
    if (key == "dtype") {
      value = dtype;
    } else {
      set_dtypes(value, dtype);
    }
  }
}

}  // namespace

Layer in_dtype(const Layer& layer, const std::string& dtype) {
  Config config = serialize(layer.impl());
  set_dtypes(config, dtype);
  Layer out = deserialize_layer(config);
  if (layer.built()) {
    out.impl().ensure_built(layer.impl().build_shapes());
    out.set_weights(layer.get_weights());
  }
  return out;
}

namespace {

/// Of the layer and the layers inside.
void reset_seeds(const LayerImpl& layer) {
  for (Variable state : layer.seeds()) {
    state.assign(Tensor(std::vector<std::uint32_t>{7, 0}));
  }
  for (const auto& [name, inner] : layer.sublayers()) {
    reset_seeds(inner.impl());
  }
}

/// Inputs of a case in a floating dtype.
std::vector<Tensor> arrays_of(const LayerCase& test, DType dtype) {
  std::vector<Tensor> out = test.values;
  for (std::size_t i = out.size(); i < test.inputs.size(); ++i) {
    out.push_back(noise(test.inputs[i], static_cast<unsigned>(i)));
  }
  for (Tensor& array : out) {
    if (is_floating(array.dtype())) array = array.cast(dtype);
  }
  return out;
}

void check_shapes(const LayerCase& test) {
  const std::vector<Tensor> arrays = arrays_of(test, DType::f32);
  std::vector<layers::Input> inputs;
  std::vector<SymbolicTensor> tensors;
  for (const Tensor& array : arrays) {
    const Shape shape(std::vector<std::int64_t>(
        array.shape().begin() + 1, array.shape().end()));
    inputs.emplace_back(shape, layers::InputOptions{.dtype = array.dtype()});
    tensors.push_back(inputs.back().tensor());
  }
  const Layer layer = test.layer();
  const SymbolicTensor y =
      tensors.size() == 1 ? layer(tensors[0]) : layer(tensors);
  Shape expected = test.output;
  expected[0] = kUnknown;
  CHECK(y.shape().str() == expected.str());
  CHECK(layer.weights().size() == test.weights);
}

/// A built layer whose weights are all different from their first values, so
/// that no weight is without effect by accident.
Layer prepared(const LayerCase& test) {
  Layer layer = test.layer();
  std::vector<Shape> shapes = test.inputs;
  for (std::size_t i = 0; i < test.values.size(); ++i) {
    if (i < shapes.size()) shapes[i] = test.values[i].shape();
  }
  layer.impl().ensure_built(shapes);
  std::vector<Tensor> weights = layer.get_weights();
  unsigned seed = 50;
  for (Tensor& weight : weights) {
    if (!is_floating(weight.dtype())) continue;
    const Tensor change = noise(weight.shape(), seed++);
    Tensor wide = weight.cast(DType::f64);
    auto values = wide.mutable_data<double>();
    for (std::size_t i = 0; i < values.size(); ++i) {
      // Positive, so that a variance stays one.
      values[i] = std::abs(values[i]) + 0.5 +
                  0.25 * change.at(static_cast<std::int64_t>(i));
    }
    weight = wide.cast(weight.dtype());
  }
  layer.set_weights(weights);
  reset_seeds(layer.impl());
  return layer;
}

void check_config(const LayerCase& test, const Layer& layer) {
  const Config config = layer.get_config();
  const Layer again = deserialize_layer(serialize(layer.impl()));
  CHECK(again.get_config().dump() == config.dump());
  CHECK(again.name() == layer.name());
  again.impl().ensure_built(layer.impl().build_shapes());
  Layer copy = again;
  copy.set_weights(layer.get_weights());
  const std::vector<Tensor> inputs = arrays_of(test, DType::f32);
  const LayerRun want = run_layer(layer, inputs);
  const LayerRun got = run_layer(copy, inputs);
  check_close(got.outputs[0], want.outputs[0], 0);
}

void check_backends(const LayerCase& test, const Layer& layer, bool training) {
  const std::vector<Tensor> inputs = arrays_of(test, DType::f32);
  const LayerRun want = run_layer(layer, inputs, {.training = training});
  CHECK(want.outputs[0].shape().str() == test.output.str());
  for (const BackendStatus& backend : list_backends()) {
    if (!backend.available || backend.name == "reference") continue;
    CAPTURE(backend.name);
    const LayerRun got = run_layer(
        layer, inputs, {.training = training, .backend = backend.name});
    check_close(got.outputs[0], want.outputs[0], test.tolerance);
    for (std::size_t i = 0; i < want.gradients.size(); ++i) {
      CAPTURE(i);
      check_close(got.gradients[i], want.gradients[i], 4 * test.tolerance);
    }
    for (std::size_t i = 0; i < want.assigned.size(); ++i) {
      check_close(got.assigned[i], want.assigned[i], test.tolerance);
    }
  }
}

/// The weights after one step of gradient descent; they are put back.
std::vector<Tensor> after_step(
    Layer layer,
    const std::vector<Tensor>& inputs,
    const std::string& backend) {
  Graph graph;
  CallContext ctx(graph, true);
  std::vector<Value> values;
  const std::vector<Value> outputs =
      call_on_parameters(ctx, graph, layer, inputs, {}, values);
  const Value total = total_of(outputs, sum_of_losses(ctx));
  std::vector<Value> weights;
  for (const Variable& variable : layer.trainable_weights()) {
    weights.push_back(graph.read(variable));
  }
  const std::vector<Value> slopes = keratin::gradients(total, weights);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    ctx.assign(layer.trainable_weights()[i], weights[i] - slopes[i] * 0.1);
  }
  ctx.finish();
  const std::vector<Tensor> before = layer.get_weights();
  Program(graph, find_backend(backend)).run(inputs);
  std::vector<Tensor> after = layer.get_weights();
  layer.set_weights(before);
  reset_seeds(layer.impl());
  return after;
}

void check_step(const LayerCase& test, const Layer& layer) {
  if (layer.trainable_weights().empty()) return;
  const std::vector<Tensor> inputs = arrays_of(test, DType::f32);
  const std::vector<Tensor> want = after_step(layer, inputs, "reference");
  CHECK(want != layer.get_weights());
  for (const BackendStatus& backend : list_backends()) {
    if (!backend.available || backend.name == "reference") continue;
    CAPTURE(backend.name);
    const std::vector<Tensor> got = after_step(layer, inputs, backend.name);
    for (std::size_t i = 0; i < want.size(); ++i) {
      CAPTURE(i);
      if (is_floating(want[i].dtype())) {
        check_close(got[i], want[i], 4 * test.tolerance);
      } else {
        CHECK(got[i] == want[i]);
      }
    }
  }
}

double objective(
    const Layer& layer, const std::vector<Tensor>& inputs, bool training) {
  const LayerRun result = run(layer, inputs, {}, {.training = training}, false);
  double sum = result.loss.size() == 1 ? result.loss.item<double>() : 0;
  for (std::size_t k = 0; k < result.outputs.size(); ++k) {
    const Tensor& y = result.outputs[k];
    if (!is_floating(y.dtype())) continue;
    const Tensor weights = noise(y.shape(), 100 + static_cast<unsigned>(k));
    for (std::int64_t i = 0; i < y.size(); ++i) {
      sum += y.at(i) * weights.at(i);
    }
  }
  return sum;
}

/// The elements to try: all of a small array, some of a large one.
std::vector<std::int64_t> probes(std::int64_t size) {
  constexpr std::int64_t kMost = 6;
  std::vector<std::int64_t> out;
  const std::int64_t step = std::max<std::int64_t>(1, size / kMost);
  for (std::int64_t i = 0; i < size; i += step) out.push_back(i);
  return out;
}

Tensor with_element(const Tensor& array, std::int64_t at, double change) {
  Tensor out = array;
  out.mutable_data<double>()[static_cast<std::size_t>(at)] += change;
  return out;
}

void check_gradients(
    const LayerCase& test, const Layer& float_layer, bool training) {
  Layer layer = in_dtype(float_layer, "float64");
  reset_seeds(layer.impl());
  const std::vector<Tensor> inputs = arrays_of(test, DType::f64);
  const LayerRun exact = run_layer(layer, inputs, {.training = training});
  constexpr double kStep = 1e-5;
  std::size_t next = 0;
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    if (!is_floating(inputs[k].dtype())) continue;
    const Tensor& gradient = exact.gradients[next++];
    for (const std::int64_t at : probes(inputs[k].size())) {
      std::vector<Tensor> moved = inputs;
      moved[k] = with_element(inputs[k], at, kStep);
      const double high = objective(layer, moved, training);
      moved[k] = with_element(inputs[k], at, -kStep);
      const double low = objective(layer, moved, training);
      CAPTURE(k);
      CAPTURE(at);
      CHECK(
          gradient.at(at) == doctest::Approx((high - low) / (2 * kStep))
                                 .epsilon(test.gradient_tolerance)
                                 .scale(1));
    }
  }
  for (Variable variable : layer.trainable_weights()) {
    const Tensor& gradient = exact.gradients[next++];
    const Tensor value = variable.value();
    for (const std::int64_t at : probes(value.size())) {
      variable.assign(with_element(value, at, kStep));
      const double high = objective(layer, inputs, training);
      variable.assign(with_element(value, at, -kStep));
      const double low = objective(layer, inputs, training);
      CAPTURE(variable.path());
      CAPTURE(at);
      CHECK(
          gradient.at(at) == doctest::Approx((high - low) / (2 * kStep))
                                 .epsilon(test.gradient_tolerance)
                                 .scale(1));
    }
    variable.assign(value);
  }
}

}  // namespace

void check_layer(const LayerCase& test) {
  check_shapes(test);
  const Layer layer = prepared(test);
  CAPTURE(layer.class_name());
  check_config(test, layer);
  for (const bool training : {false, true}) {
    CAPTURE(training);
    check_backends(test, layer, training);
    check_gradients(test, layer, training);
  }
  check_step(test, layer);
}

}  // namespace keratin::testing
