// scan, cond and while_loop. A scan is unrolled: its length is known, and a
// captured graph of many small kernels costs the host nothing. Both branches of
// a cond run, and a kernel chooses: ops have no effects. A while_loop is the
// one op that the host waits in.

#include <algorithm>

#include "src/backends/cuda/kernels/kernels.hpp"
#include "src/backends/cuda/lowering.hpp"
#include "src/core/check.hpp"
#include "src/core/format.hpp"
#include "src/core/log.hpp"

namespace keratin::cuda {

namespace {

constexpr std::int64_t kAlignment = 256;

std::int64_t aligned(std::int64_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

// A sub-graph with its lowering; kept alive by the functions that emit it.
struct Body {
  std::shared_ptr<const Graph> graph;
  GraphLowering lowering;

  Body(const LowerArgs& args, std::string_view name)
      : graph(args.node.attrs.get<std::shared_ptr<const Graph>>(name)),
        lowering(args.target, *graph) {}

  std::int64_t bytes() const { return aligned(lowering.arena_bytes()); }

  /// Appends the body's steps; returns where its results are.
  std::vector<Place> emit(
      Emission& at,
      const std::vector<Place>& parameters,
      const Place& arena,
      Steps& steps) const {
    const std::vector<Place> places =
        lowering.places(arena, parameters, at.constants);
    lowering.emit(places, arena, steps, at.constants, at.node);
    std::vector<Place> results;
    for (const ValueId id : graph->outputs()) results.push_back(places[id]);
    return results;
  }
};

// What a loop carries. `staging` takes the new values before they replace the
// old ones, which the new ones may be made of (a swap).
struct Carries {
  std::vector<std::int64_t> bytes;
  std::vector<std::int64_t> offsets;
  std::int64_t total = 0;

  Carries(const LowerArgs& args, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      bytes.push_back(args.out(i).size_bytes());
      offsets.push_back(total);
      total += aligned(bytes.back());
    }
  }

  void start(Emission& at) const {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      at.copy(at.out[i], at.in[i], bytes[i]);
    }
  }

  void advance(
      Emission& at,
      const std::vector<Place>& results,
      const Place& staging) const {
    bool staged = false;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      for (std::size_t j = 0; j < bytes.size(); ++j) {
        staged = staged || (i != j && results[i] == at.out[j]);
      }
    }
    for (std::size_t i = 0; staged && i < bytes.size(); ++i) {
      at.copy(staging.plus(offsets[i]), results[i], bytes[i]);
    }
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      const Place from = staged ? staging.plus(offsets[i]) : results[i];
      at.copy(at.out[i], from, bytes[i]);
    }
  }
};

}  // namespace

// scratch: | body's arena | staging | aligned slices of xs |
Lowering lower_scan(const LowerArgs& args) {
  const auto body = std::make_shared<Body>(args, "body");
  const auto count =
      static_cast<std::size_t>(args.node.attrs.integer("carries"));
  const auto slices = static_cast<std::size_t>(args.node.attrs.integer("xs"));
  const std::int64_t length = args.node.attrs.integer("length");
  const bool reverse = args.node.attrs.flag("reverse");
  const Carries carries(args, count);
  const std::int64_t staging_at = body->bytes();
  std::vector<std::int64_t> slice_bytes;
  std::vector<std::int64_t> slice_at;
  std::int64_t scratch = staging_at + carries.total;
  for (std::size_t i = 0; i < slices; ++i) {
    const std::int64_t total = args.in(count + i).size_bytes();
    slice_bytes.push_back(length > 0 ? total / length : 0);
    slice_at.push_back(scratch);
    scratch += aligned(slice_bytes.back());
  }
  std::vector<std::int64_t> row_bytes;
  for (std::size_t i = count; i < args.node.outputs.size(); ++i) {
    row_bytes.push_back(length > 0 ? args.out(i).size_bytes() / length : 0);
  }
  Lowering lowering;
  lowering.scratch_bytes = scratch;
  lowering.emit = [=](Emission& at) {
    carries.start(at);
    for (std::int64_t step = 0; step < length; ++step) {
      const std::int64_t t = reverse ? length - 1 - step : step;
      std::vector<Place> parameters;
      for (std::size_t i = 0; i < at.in.size(); ++i) {
        if (i < count) {
          parameters.push_back(at.out[i]);
        } else if (i < count + slices) {
          const std::int64_t bytes = slice_bytes[i - count];
          const Place slice = at.in[i].plus(t * bytes);
          // Kernels move 16 bytes at once.
          if (bytes % 16 == 0) {
            parameters.push_back(slice);
          } else {
            const Place copy = at.scratch.plus(slice_at[i - count]);
            at.copy(copy, slice, bytes);
            parameters.push_back(copy);
          }
        } else {
          parameters.push_back(at.in[i]);
        }
      }
      const std::vector<Place> results =
          body->emit(at, parameters, at.scratch, at.steps);
      for (std::size_t i = count; i < results.size(); ++i) {
        const std::int64_t bytes = row_bytes[i - count];
        at.copy(at.out[i].plus(t * bytes), results[i], bytes);
      }
      carries.advance(at, results, at.scratch.plus(staging_at));
    }
  };
  return lowering;
}

Lowering lower_inlined(const LowerArgs& args, std::string_view name) {
  const auto body = std::make_shared<Body>(args, name);
  std::vector<std::int64_t> bytes;
  for (std::size_t i = 0; i < args.node.outputs.size(); ++i) {
    bytes.push_back(args.out(i).size_bytes());
  }
  Lowering lowering;
  lowering.scratch_bytes = body->bytes();
  lowering.emit = [=](Emission& at) {
    const std::vector<Place> results =
        body->emit(at, at.in, at.scratch, at.steps);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      at.copy(at.out[i], results[i], bytes[i]);
    }
  };
  return lowering;
}

// scratch: | arena of if_true | arena of if_false |
Lowering lower_cond(const LowerArgs& args) {
  const auto if_true = std::make_shared<Body>(args, "if_true");
  const auto if_false = std::make_shared<Body>(args, "if_false");

  struct Choice {
    std::shared_ptr<const KernelSource> kernel;
    std::int64_t n;
    std::int64_t blocks;
  };

  std::vector<Choice> choices;
  for (std::size_t i = 0; i < args.node.outputs.size(); ++i) {
    const ValueType& type = args.out(i);
    choices.push_back(
        {make_kernel(
             "cond",
             {},
             fill_in(
                 R"(KT_KERNEL(256) $(NAME)(const bool* condition, const $(T)* a, const $(T)* b, $(T)* y, i64 n) {
  const $(T)* from = condition[0] ? a : b;
  for (i64 i = thread_number(); i < n; i += thread_count()) y[i] = from[i];
}
)",
                 {{"T", keratin::format("u{}", 8 * size_of(type.dtype))}})),
         type.shape.size(),
         args.target.blocks(type.shape.size(), 256)});
  }
  Lowering lowering;
  lowering.scratch_bytes = if_true->bytes() + if_false->bytes();
  lowering.emit = [=](Emission& at) {
    const std::vector<Place> captured(at.in.begin() + 1, at.in.end());
    const std::vector<Place> a =
        if_true->emit(at, captured, at.scratch, at.steps);
    const std::vector<Place> b = if_false->emit(
        at, captured, at.scratch.plus(if_true->bytes()), at.steps);
    for (std::size_t i = 0; i < choices.size(); ++i) {
      const Choice& choice = choices[i];
      if (choice.n == 0) continue;
      at.launch(
          choice.kernel,
          choice.blocks,
          {at.in[0], a[i], b[i], at.out[i], choice.n});
    }
  };
  return lowering;
}

// scratch: | larger of condition's and body's arena | predicate | staging |
Lowering lower_while(const LowerArgs& args) {
  const auto condition = std::make_shared<Body>(args, "condition");
  const auto body = std::make_shared<Body>(args, "body");
  const auto count =
      static_cast<std::size_t>(args.node.attrs.integer("carries"));
  const std::int64_t limit = args.node.attrs.integer("max_iterations");
  const Carries carries(args, count);
  const std::int64_t predicate_at = std::max(condition->bytes(), body->bytes());
  const std::int64_t staging_at = predicate_at + kAlignment;
  KERATIN_LOG(
      warning,
      "[cuda] {}: the host waits for the condition in every iteration",
      args.graph.who(args.node));
  Lowering lowering;
  lowering.scratch_bytes = staging_at + carries.total;
  lowering.emit = [=](Emission& at) {
    carries.start(at);
    std::vector<Place> parameters = at.in;
    std::copy_n(at.out.begin(), count, parameters.begin());
    const Place predicate = at.scratch.plus(predicate_at);
    auto test = std::make_shared<Steps>();
    auto round = std::make_shared<Steps>();
    {
      Emission inner{
          at.in, at.out, at.scratch, *test, at.constants, at.who, at.node};
      const auto result = condition->emit(inner, parameters, at.scratch, *test);
      inner.copy(predicate, result[0], 1);
    }
    {
      Emission inner{
          at.in, at.out, at.scratch, *round, at.constants, at.who, at.node};
      const auto results = body->emit(inner, parameters, at.scratch, *round);
      carries.advance(inner, results, at.scratch.plus(staging_at));
    }
    at.steps.push_back(
        {Loop{std::move(test), std::move(round), predicate, limit},
         at.who,
         at.node});
  };
  return lowering;
}

}  // namespace keratin::cuda
