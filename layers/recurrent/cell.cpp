#include "layers/recurrent/cell.hpp"

#include <utility>

#include <keratin/error.hpp>

#include "layers/base/naming.hpp"
#include "src/core/check.hpp"
#include "src/core/format.hpp"
#include "src/ir/graph.hpp"

namespace keratin::layers {

namespace {

/// What a layer's own call sets around itself (LayerImpl::invoke).
class CellScope {
 public:
  CellScope(CallContext& ctx, const LayerImpl& cell, Graph& graph)
      : ctx_(ctx),
        previous_(ctx.autocast()),
        dtype_(cell.compute_dtype()),
        layer_(graph, cell.name()),
        name_(cell.name(), &cell) {
    ctx_.set_autocast(&dtype_);
  }

  ~CellScope() { ctx_.set_autocast(previous_); }

  CellScope(const CellScope&) = delete;
  CellScope& operator=(const CellScope&) = delete;

 private:
  CallContext& ctx_;
  const DType* previous_;
  DType dtype_;
  LayerScope layer_;
  NameScope name_;
};

std::vector<Value> zeros(
    CallContext& ctx,
    const std::vector<Shape>& shapes,
    std::int64_t batch,
    DType dtype) {
  std::vector<Value> out;
  for (const Shape& shape : shapes) {
    Shape full = {batch};
    for (const std::int64_t dim : shape) full.push_back(dim);
    out.push_back(ops::full(ctx.graph(), full, 0, dtype));
  }
  return out;
}

struct CellArguments {
  Value x;
  std::vector<Value> states;
  std::vector<Value> constants;
};

/// cell(x, states): positional or by name.
CellArguments read_cell_arguments(
    const LayerImpl& cell, const CallInputs& inputs) {
  CellArguments out;
  std::size_t position = 0;
  for (const Argument<Value>& item : inputs.items) {
    if (item.name == "training" || item.name == "mask") continue;
    const bool first = item.name == "inputs" || item.name == "sequence" ||
                       (item.name.empty() && position == 0);
    const bool states =
        item.name == "states" || (item.name.empty() && position == 1);
    if (item.name.empty()) ++position;
    if (first && !item.tensors.empty()) {
      // Also a list, of x and the states.
      out.x = item.tensors[0];
      out.states.assign(item.tensors.begin() + 1, item.tensors.end());
    } else if (states) {
      out.states = item.tensors;
    } else if (item.name == "constants") {
      out.constants = item.tensors;
    } else {
      throw InvalidArgument(format(
          "{} takes x and states, got another argument '{}'",
          cell.who(),
          item.name));
    }
  }
  if (!out.x) {
    throw InvalidArgument(format("{} got no input tensor", cell.who()));
  }
  return out;
}

void expect_states(
    const LayerImpl& cell, std::size_t got, std::size_t expected) {
  if (got == expected) return;
  throw InvalidArgument(
      format("{} expected {} states, got {}", cell.who(), expected, got));
}

}  // namespace

// -- cells of one's own ------------------------------------------------------

std::vector<Value> CellImpl::step_with(
    CallContext& ctx,
    const Value& x,
    const std::vector<Value>& states,
    const std::vector<Value>& constants) {
  if (!constants.empty()) {
    fail(format(
        "takes no constants, got {}; override step_with", constants.size()));
  }
  return step(ctx, x, states);
}

std::vector<Value> CellImpl::initial_state(
    CallContext& ctx, std::int64_t batch) {
  return zeros(ctx, state_shapes(), batch, compute_dtype());
}

std::vector<Value> CellImpl::call_many(
    CallContext& ctx, const CallInputs& inputs) {
  const CellArguments arguments = read_cell_arguments(*this, inputs);
  const std::size_t states = state_shapes().size();
  expect_states(*this, arguments.states.size(), states);
  std::vector<Value> results =
      step_with(ctx, arguments.x, arguments.states, arguments.constants);
  if (results.size() != states + 1) {
    fail(format(
        "expected step to return the output and {} states, got {} values",
        states,
        results.size()));
  }
  return results;
}

// -- Keras's -----------------------------------------------------------------

std::vector<Value> KerasCell::initial_state(
    CallContext& ctx, std::int64_t batch) {
  return zeros(ctx, state_shapes(), batch, compute_dtype());
}

std::vector<Value> KerasCell::call_many(
    CallContext& ctx, const CallInputs& inputs) {
  const CellArguments arguments = read_cell_arguments(*this, inputs);
  if (!arguments.constants.empty()) {
    fail(format("takes no constants, got {}", arguments.constants.size()));
  }
  expect_states(*this, arguments.states.size(), state_shapes().size());
  const CellRun run = start(ctx, arguments.x.shape()[0]);
  return run.step(run.project(arguments.x), arguments.states);
}

// -- any ---------------------------------------------------------------------

namespace {

KerasCell* keras_cell(const Layer& cell) {
  return dynamic_cast<KerasCell*>(&cell.impl());
}

CellImpl& own_cell(const Layer& cell) {
  auto* own = dynamic_cast<CellImpl*>(&cell.impl());
  KERATIN_CHECK(own != nullptr, "{} is a cell", cell.impl().who());
  return *own;
}

}  // namespace

bool is_cell(const Layer& layer) {
  return layer && (keras_cell(layer) != nullptr ||
                   dynamic_cast<CellImpl*>(&layer.impl()) != nullptr);
}

std::vector<Shape> state_shapes(const Layer& cell) {
  if (const KerasCell* keras = keras_cell(cell)) return keras->state_shapes();
  return own_cell(cell).state_shapes();
}

std::optional<std::size_t> output_state(const Layer& cell) {
  if (const KerasCell* keras = keras_cell(cell)) return keras->output_state();
  return {};
}

std::vector<std::size_t> state_groups(const Layer& cell) {
  const KerasCell* keras = keras_cell(cell);
  return keras != nullptr ? keras->state_groups() : std::vector<std::size_t>();
}

std::vector<Value> initial_state(
    CallContext& ctx, const Layer& cell, std::int64_t batch) {
  const CellScope scope(ctx, cell.impl(), ctx.graph());
  if (KerasCell* keras = keras_cell(cell)) {
    return keras->initial_state(ctx, batch);
  }
  std::vector<Value> states = own_cell(cell).initial_state(ctx, batch);
  expect_states(cell.impl(), states.size(), state_shapes(cell).size());
  return states;
}

CellRun start_cell(
    CallContext& ctx,
    const Layer& cell,
    std::int64_t batch,
    const std::vector<Value>& constants) {
  KerasCell* keras = keras_cell(cell);
  if (keras == nullptr) {
    const auto step = [&ctx, cell, constants](
                          const Value& x, const std::vector<Value>& states) {
      CallInputs inputs(x);
      inputs.items.push_back({"states", states, true});
      if (!constants.empty()) {
        inputs.items.push_back({"constants", constants, true});
      }
      return cell.call(ctx, inputs);
    };
    return {[](const Value& x) { return x; }, step};
  }
  if (!constants.empty()) {
    throw InvalidArgument(format(
        "{} takes no constants, got {}", cell.impl().who(), constants.size()));
  }
  const CellScope outside(ctx, *keras, ctx.graph());
  CellRun run = keras->start(ctx, batch);
  const DType dtype = keras->compute_dtype();
  return {
      [&ctx, keras, dtype, project = std::move(run.project)](const Value& x) {
        const CellScope scope(ctx, *keras, x.graph());
        return project(ops::cast(x, dtype));
      },
      [&ctx, keras, step = std::move(run.step)](
          const Value& projected, const std::vector<Value>& states) {
        const CellScope scope(ctx, *keras, projected.graph());
        return step(projected, states);
      }};
}

// -- for the cells -----------------------------------------------------------

std::vector<Value> dropout_masks(
    CallContext& ctx,
    const Variable& seed,
    const Shape& shape,
    double rate,
    std::size_t count) {
  std::vector<Value> masks;
  if (!ctx.training() || rate <= 0) return masks;
  const DType dtype = ctx.autocast() == nullptr ? DType::f32 : *ctx.autocast();
  for (std::size_t i = 0; i < count; ++i) {
    const Value kept = ops::greater_equal(
        ops::random_uniform(ctx.next_random_state(seed), shape), rate);
    const Value zero = ops::full(ctx.graph(), {}, 0, dtype);
    const double scale = rate < 1 ? 1 / (1 - rate) : 0;
    masks.push_back(
        ops::where(kept, ops::full(ctx.graph(), {}, scale, dtype), zero));
  }
  return masks;
}

Value masked_product(
    const Value& x, const Value& kernel, const std::vector<Value>& masks) {
  if (masks.empty()) return ops::matmul(x, kernel);
  if (masks.size() == 1) return ops::matmul(x * masks[0], kernel);
  std::vector<Value> gates;
  for (std::size_t i = 0; i < masks.size(); ++i) {
    gates.push_back(ops::matmul(x * masks[i], gate(kernel, i, masks.size())));
  }
  return ops::concatenate(gates);
}

Value gate(const Value& x, std::size_t index, std::size_t count) {
  const std::int64_t width =
      x.shape().back() / static_cast<std::int64_t>(count);
  const auto begin = static_cast<std::int64_t>(index) * width;
  return ops::slice_axis(x, -1, begin, begin + width);
}

Initializer forget_bias(const Initializer& initializer) {
  if (!initializer) return initializer;
  return Initializer([initializer](const Shape& shape, DType dtype) {
    const std::int64_t units = shape.back() / 4;
    const Tensor first = initializer({units}, dtype).cast(DType::f64);
    const Tensor rest = initializer({2 * units}, dtype).cast(DType::f64);
    Tensor bias(DType::f64, shape);
    const auto values = bias.mutable_data<double>();
    for (std::int64_t i = 0; i < 4 * units; ++i) {
      const double value = i < units       ? first.at(i)
                           : i < 2 * units ? 1.0
                                           : rest.at(i - 2 * units);
      values[static_cast<std::size_t>(i)] = value;
    }
    return bias.cast(dtype);
  });
}

}  // namespace keratin::layers
