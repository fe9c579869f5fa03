#include "src/backends/host/control_flow.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "src/backends/host/subprogram.hpp"

namespace keratin::host {

namespace {

constexpr std::int64_t kAlignment = 64;

std::int64_t aligned(std::int64_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

void copy_bytes(void* to, const void* from, std::int64_t bytes) {
  if (bytes > 0 && to != from) {
    std::memmove(to, from, static_cast<std::size_t>(bytes));
  }
}

std::int64_t bytes_of(const View& view) {
  return view.type->size_bytes();
}

std::byte* address(const View& view) {
  return view.as<std::byte>();
}

std::shared_ptr<const Graph> sub_graph(
    const Node& node, std::string_view name) {
  return node.attrs.get<std::shared_ptr<const Graph>>(name);
}

std::size_t carries_of(const Node& node) {
  return static_cast<std::size_t>(node.attrs.integer("carries"));
}

// One of a loop's xs or ys: an array with a slice for every round.
struct Slices {
  std::size_t index = 0;   // of the operand or result
  std::int64_t bytes = 0;  // of a slice
};

// What a loop carries from one iteration to the next. The carried values live
// in the loop's own results, which nobody reads before the loop is done; those
// that rotate are made where the next round reads them, the others copied.
class Carries {
 public:
  Carries(const Graph& graph, const Node& node, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      bytes_.push_back(graph.type(node.outputs[i]).size_bytes());
      offsets_.push_back(staging_bytes_);
      staging_bytes_ += aligned(bytes_.back());
    }
    from_.resize(count);
    rotates_.resize(count);
    histories_.resize(count);
  }

  std::size_t count() const { return bytes_.size(); }

  std::int64_t staging_bytes() const { return staging_bytes_; }

  std::byte* staging(std::size_t i) const { return staging_ + offsets_[i]; }

  void let_rotate(std::size_t i) { rotates_[i] = true; }

  bool rotates(std::size_t i) const { return rotates_[i]; }

  /// A result that has what was carried into each round.
  void keep_history(std::size_t i, const Slices& ys) { histories_[i] = ys; }

  const Slices* history(std::size_t i) const {
    return histories_[i] ? &*histories_[i] : nullptr;
  }

  /// REQUIRES: `body` bound, with the carried values for its first parameters.
  void bind(
      const Binding& binding, const SubProgram& body, std::byte* staging) {
    staging_ = staging;
    initial_.assign(binding.inputs.begin(), binding.inputs.begin() + count());
    values_.assign(binding.outputs.begin(), binding.outputs.begin() + count());
    staged_ = false;
    follow(body);
    for (std::size_t i = 0; i < count(); ++i) {
      // A body that swaps what it carries reads both before it writes either.
      for (std::size_t j = 0; j < count(); ++j) {
        if (j != i && from_[i] == address(values_[j])) staged_ = true;
      }
    }
  }

  /// The body's results may have moved: a slice that it hands on as it is.
  void follow(const SubProgram& body) {
    for (std::size_t i = 0; i < count(); ++i) {
      from_[i] = address(body.output(i));
    }
  }

  void start() {
    for (std::size_t i = 0; i < count(); ++i) start(i, address(values_[i]));
  }

  /// Puts the initial value there.
  void start(std::size_t i, std::byte* place) {
    copy_bytes(place, initial_[i].data, bytes_[i]);
  }

  void advance() {
    if (staged_) {
      for (std::size_t i = 0; i < count(); ++i) {
        if (!rotates_[i]) copy_bytes(staging(i), from_[i], bytes_[i]);
      }
    }
    for (std::size_t i = 0; i < count(); ++i) {
      if (rotates_[i]) continue;
      copy_bytes(values_[i].data, staged_ ? staging(i) : from_[i], bytes_[i]);
    }
  }

 private:
  std::vector<std::int64_t> bytes_;
  std::vector<std::int64_t> offsets_;
  std::int64_t staging_bytes_ = 0;
  std::byte* staging_ = nullptr;
  bool staged_ = false;
  std::vector<View> initial_;
  std::vector<View> values_;
  std::vector<std::byte*> from_;
  std::vector<bool> rotates_;
  std::vector<std::optional<Slices>> histories_;
};

// Slices of xs are read where they are; what the body makes of ys and of what
// it carries is written where the next round or the reader wants it. The body's
// kernels are bound again for every round.
//
// scratch: | body's arena | staging of the carries |
class ScanKernel final : public Kernel {
 public:
  ScanKernel(KernelFactory& factory, const Graph& graph, const Node& node)
      : body_(
            factory,
            sub_graph(node, "body"),
            carries_of(node) +
                static_cast<std::size_t>(node.attrs.integer("xs"))),
        carries_(graph, node, carries_of(node)),
        length_(node.attrs.integer("length")),
        reverse_(node.attrs.flag("reverse")),
        staging_offset_(aligned(body_.scratch_bytes())) {
    const std::size_t count = carries_.count();
    const auto xs = static_cast<std::size_t>(node.attrs.integer("xs"));
    for (std::size_t i = count; i < count + xs; ++i) {
      if (body_.let_parameter_move(i)) {
        moving_.push_back(
            {Moving::xs, {i, slice_bytes(graph, node.inputs[i])}});
      }
    }
    for (std::size_t i = 0; i < count; ++i) {
      if (can_move_output(i) && body_.let_output_move(i) &&
          body_.let_parameter_move(i)) {
        carries_.let_rotate(i);
        moving_.push_back({Moving::next, {i}});
        moving_.push_back({Moving::carried, {i}});
      }
    }
    for (std::size_t i = count; i < node.outputs.size(); ++i) {
      const Slices ys = {i, slice_bytes(graph, node.outputs[i])};
      const auto carry = body_.parameter_of_output(i);
      if (carry && *carry < count && carries_.rotates(*carry) &&
          carries_.history(*carry) == nullptr) {
        carries_.keep_history(*carry, ys);
      } else if (can_move_output(i) && body_.let_output_move(i)) {
        moving_.push_back({Moving::ys, ys});
      } else {
        copied_.push_back(ys);
      }
    }
    addresses_.resize(moving_.size());
  }

  std::int64_t scratch_bytes() const override {
    return staging_offset_ + carries_.staging_bytes();
  }

  void bind(const Binding& binding) override {
    binding_ = binding;
    parameters_.clear();
    for (std::size_t i = 0; i < binding.inputs.size(); ++i) {
      const bool carried = i < carries_.count();
      parameters_.push_back(
          address(carried ? binding.outputs[i] : binding.inputs[i]));
    }
    body_.bind(parameters_, binding.scratch);
    carries_.bind(binding, body_, binding.scratch + staging_offset_);
  }

  void run() override {
    for (std::size_t i = 0; i < carries_.count(); ++i) {
      carries_.start(i, place_of(i, 0));
    }
    body_.renew();
    for (std::int64_t step = 0; step < length_; ++step) {
      const std::int64_t t = time(step);
      for (std::size_t i = 0; i < moving_.size(); ++i) {
        addresses_[i] = place_of(moving_[i], step);
      }
      body_.move(addresses_);
      carries_.follow(body_);
      body_.run();
      for (const Slices& ys : copied_) {
        copy_bytes(
            slice(binding_.outputs, ys, t),
            body_.output(ys.index).data,
            ys.bytes);
      }
      carries_.advance();
    }
  }

 private:
  // What is elsewhere in every round.
  struct Moving {
    enum Kind : std::uint8_t { xs, ys, carried, next };

    Kind kind = xs;
    Slices slices;
  };

  bool can_move_output(std::size_t i) const {
    return !body_.parameter_of_output(i) && body_.output_occurs_once(i);
  }

  std::int64_t slice_bytes(const Graph& graph, ValueId id) const {
    return length_ > 0 ? graph.type(id).size_bytes() / length_ : 0;
  }

  // The slice of a round.
  std::int64_t time(std::int64_t step) const {
    return reverse_ ? length_ - 1 - step : step;
  }

  static std::byte* slice(
      const std::vector<View>& views, const Slices& slices, std::int64_t t) {
    return address(views[slices.index]) + t * slices.bytes;
  }

  // Where what carry `i` holds before a round is; after the last, its result.
  // One that rotates goes through its history if that is wanted, else to and
  // fro between result and staging.
  std::byte* place_of(std::size_t i, std::int64_t step) const {
    std::byte* const result = address(binding_.outputs[i]);
    if (!carries_.rotates(i) || step == length_) return result;
    if (const Slices* history = carries_.history(i)) {
      return slice(binding_.outputs, *history, time(step));
    }
    return (length_ - step) % 2 == 0 ? result : carries_.staging(i);
  }

  std::byte* place_of(const Moving& moving, std::int64_t step) const {
    switch (moving.kind) {
      case Moving::xs:
        return slice(binding_.inputs, moving.slices, time(step));
      case Moving::ys:
        return slice(binding_.outputs, moving.slices, time(step));
      case Moving::carried:
        return place_of(moving.slices.index, step);
      default:
        return place_of(moving.slices.index, step + 1);
    }
  }

  SubProgram body_;
  Carries carries_;
  std::int64_t length_;
  bool reverse_;
  std::int64_t staging_offset_;
  std::vector<Moving> moving_;
  std::vector<Slices> copied_;  // ys that are not made where they belong
  std::vector<std::byte*> addresses_;
  std::vector<std::byte*> parameters_;  // of the body
  Binding binding_;
};

// scratch: | larger of condition's and body's arena | staging |
class WhileKernel final : public Kernel {
 public:
  WhileKernel(KernelFactory& factory, const Graph& graph, const Node& node)
      : condition_(factory, sub_graph(node, "condition"), carries_of(node)),
        body_(factory, sub_graph(node, "body"), carries_of(node)),
        carries_(graph, node, carries_of(node)),
        staging_offset_(aligned(
            std::max(condition_.scratch_bytes(), body_.scratch_bytes()))) {
    const std::int64_t limit = node.attrs.integer("max_iterations");
    if (limit >= 0) limit_ = limit;
  }

  std::int64_t scratch_bytes() const override {
    return staging_offset_ + carries_.staging_bytes();
  }

  void bind(const Binding& binding) override {
    binding_ = binding;
    parameters_.clear();
    for (std::size_t i = 0; i < binding.inputs.size(); ++i) {
      const bool carried = i < carries_.count();
      parameters_.push_back(
          address(carried ? binding.outputs[i] : binding.inputs[i]));
    }
    condition_.bind(parameters_, binding.scratch);
    body_.bind(parameters_, binding.scratch);
    carries_.bind(binding, body_, binding.scratch + staging_offset_);
  }

  void run() override {
    carries_.start();
    condition_.renew();
    body_.renew();
    for (std::int64_t i = 0; i < limit_; ++i) {
      condition_.run();
      if (!*condition_.output(0).as<bool>()) break;
      body_.run();
      carries_.advance();
    }
  }

 private:
  SubProgram condition_;
  SubProgram body_;
  Carries carries_;
  std::int64_t staging_offset_;
  std::int64_t limit_ = std::numeric_limits<std::int64_t>::max();
  std::vector<std::byte*> parameters_;  // of the sub-graphs
  Binding binding_;
};

class CondKernel final : public Kernel {
 public:
  CondKernel(KernelFactory& factory, const Graph&, const Node& node)
      : if_true_(factory, sub_graph(node, "if_true")),
        if_false_(factory, sub_graph(node, "if_false")) {}

  std::int64_t scratch_bytes() const override {
    return std::max(if_true_.scratch_bytes(), if_false_.scratch_bytes());
  }

  void bind(const Binding& binding) override {
    binding_ = binding;
    parameters_.clear();
    for (std::size_t i = 1; i < binding.inputs.size(); ++i) {
      parameters_.push_back(address(binding.inputs[i]));
    }
    if_true_.bind(parameters_, binding.scratch);
    if_false_.bind(parameters_, binding.scratch);
  }

  void run() override {
    SubProgram& branch = *binding_.inputs[0].as<bool>() ? if_true_ : if_false_;
    branch.run();
    for (std::size_t i = 0; i < binding_.outputs.size(); ++i) {
      const View& out = binding_.outputs[i];
      copy_bytes(out.data, branch.output(i).data, bytes_of(out));
    }
  }

 private:
  SubProgram if_true_;
  SubProgram if_false_;
  std::vector<std::byte*> parameters_;  // of the branches
  Binding binding_;
};

class FusedKernel final : public Kernel {
 public:
  FusedKernel(KernelFactory& factory, const Graph&, const Node& node)
      : body_(factory, sub_graph(node, "body")) {
    for (std::size_t i = 0; i < body_.output_count(); ++i) {
      if (body_.parameter_of_output(i)) passes_through_ = true;
    }
  }

  std::int64_t scratch_bytes() const override { return body_.scratch_bytes(); }

  // Results are written when all operands have been read, unless a result is
  // an operand that another result might have overwritten.
  bool can_overwrite(int, int) const override { return !passes_through_; }

  void bind(const Binding& binding) override {
    binding_ = binding;
    parameters_.clear();
    for (const View& input : binding.inputs) {
      parameters_.push_back(address(input));
    }
    body_.bind(parameters_, binding.scratch);
  }

  void run() override {
    body_.run();
    for (std::size_t i = 0; i < binding_.outputs.size(); ++i) {
      const View& out = binding_.outputs[i];
      copy_bytes(out.data, body_.output(i).data, bytes_of(out));
    }
  }

 private:
  SubProgram body_;
  bool passes_through_ = false;
  std::vector<std::byte*> parameters_;  // of the body
  Binding binding_;
};

template <Op kOp>
Support supports_op(const Graph&, const Node& node) {
  return node.op == kOp ? Support::yes() : Support::no("");
}

template <class K>
std::unique_ptr<Kernel> make_kernel(
    KernelFactory& factory, const Graph& graph, const Node& node) {
  return std::make_unique<K>(factory, graph, node);
}

constexpr KernelEntry kEntries[] = {
    {"host.scan", supports_op<Op::scan>, make_kernel<ScanKernel>},
    {"host.while_loop", supports_op<Op::while_loop>, make_kernel<WhileKernel>},
    {"host.cond", supports_op<Op::cond>, make_kernel<CondKernel>},
    {"host.fused", supports_op<Op::fused>, make_kernel<FusedKernel>},
};

}  // namespace

std::span<const KernelEntry> control_flow_kernels() {
  return kEntries;
}

}  // namespace keratin::host
