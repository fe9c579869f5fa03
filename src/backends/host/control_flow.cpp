#include "src/backends/host/control_flow.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
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

// What a loop carries from one iteration to the next. The carried values live
// in the loop's own results, which nobody reads before the loop is done.
class Carries {
 public:
  Carries(const Graph& graph, const Node& node, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      bytes_.push_back(graph.type(node.outputs[i]).size_bytes());
      offsets_.push_back(staging_bytes_);
      staging_bytes_ += aligned(bytes_.back());
    }
    from_.resize(count);
  }

  std::size_t count() const { return bytes_.size(); }

  std::int64_t staging_bytes() const { return staging_bytes_; }

  /// REQUIRES: `body` bound, with the carried values for its first parameters.
  void bind(
      const Binding& binding, const SubProgram& body, std::byte* staging) {
    staging_ = staging;
    values_.assign(binding.outputs.begin(), binding.outputs.begin() + count());
    staged_ = false;
    for (std::size_t i = 0; i < count(); ++i) {
      from_[i] = address(body.output(i));
      // A body that swaps what it carries reads both before it writes either.
      for (std::size_t j = 0; j < count(); ++j) {
        if (j != i && from_[i] == address(values_[j])) staged_ = true;
      }
    }
  }

  void start(const Binding& binding) {
    for (std::size_t i = 0; i < count(); ++i) {
      copy_bytes(values_[i].data, binding.inputs[i].data, bytes_[i]);
    }
  }

  void advance() {
    if (staged_) {
      for (std::size_t i = 0; i < count(); ++i) {
        copy_bytes(staging_ + offsets_[i], from_[i], bytes_[i]);
      }
    }
    for (std::size_t i = 0; i < count(); ++i) {
      const std::byte* from = staged_ ? staging_ + offsets_[i] : from_[i];
      copy_bytes(values_[i].data, from, bytes_[i]);
    }
  }

 private:
  std::vector<std::int64_t> bytes_;
  std::vector<std::int64_t> offsets_;
  std::int64_t staging_bytes_ = 0;
  std::byte* staging_ = nullptr;
  bool staged_ = false;
  std::vector<View> values_;
  std::vector<std::byte*> from_;
};

// scratch: | body's arena | staging of the carries | one slice of each xs |
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
        reverse_(node.attrs.flag("reverse")) {
    staging_offset_ = aligned(body_.scratch_bytes());
    scratch_bytes_ = staging_offset_ + carries_.staging_bytes();
    const auto xs = static_cast<std::size_t>(node.attrs.integer("xs"));
    for (std::size_t i = 0; i < xs; ++i) {
      const std::int64_t total =
          graph.type(node.inputs[carries_.count() + i]).size_bytes();
      slice_bytes_.push_back(length_ > 0 ? total / length_ : 0);
      slice_offsets_.push_back(scratch_bytes_);
      scratch_bytes_ += aligned(slice_bytes_.back());
    }
  }

  std::int64_t scratch_bytes() const override { return scratch_bytes_; }

  void bind(const Binding& binding) override {
    binding_ = binding;
    std::vector<std::byte*> parameters;
    for (std::size_t i = 0; i < binding.inputs.size(); ++i) {
      if (i < carries_.count()) {
        parameters.push_back(address(binding.outputs[i]));
      } else if (i < carries_.count() + slice_bytes_.size()) {
        parameters.push_back(
            binding.scratch + slice_offsets_[i - carries_.count()]);
      } else {
        parameters.push_back(address(binding.inputs[i]));
      }
    }
    body_.bind(parameters, binding.scratch);
    carries_.bind(binding, body_, binding.scratch + staging_offset_);
  }

  void run() override {
    carries_.start(binding_);
    body_.renew();
    for (std::int64_t step = 0; step < length_; ++step) {
      const std::int64_t t = reverse_ ? length_ - 1 - step : step;
      for (std::size_t i = 0; i < slice_bytes_.size(); ++i) {
        const View& xs = binding_.inputs[carries_.count() + i];
        copy_bytes(
            binding_.scratch + slice_offsets_[i],
            address(xs) + t * slice_bytes_[i],
            slice_bytes_[i]);
      }
      body_.run();
      for (std::size_t i = carries_.count(); i < body_.output_count(); ++i) {
        const View y = body_.output(i);
        copy_bytes(
            address(binding_.outputs[i]) + t * bytes_of(y),
            y.data,
            bytes_of(y));
      }
      carries_.advance();
    }
  }

 private:
  SubProgram body_;
  Carries carries_;
  std::int64_t length_;
  bool reverse_;
  std::int64_t staging_offset_ = 0;
  std::int64_t scratch_bytes_ = 0;
  std::vector<std::int64_t> slice_bytes_;
  std::vector<std::int64_t> slice_offsets_;
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
    std::vector<std::byte*> parameters;
    for (std::size_t i = 0; i < binding.inputs.size(); ++i) {
      const bool carried = i < carries_.count();
      parameters.push_back(
          address(carried ? binding.outputs[i] : binding.inputs[i]));
    }
    condition_.bind(parameters, binding.scratch);
    body_.bind(parameters, binding.scratch);
    carries_.bind(binding, body_, binding.scratch + staging_offset_);
  }

  void run() override {
    carries_.start(binding_);
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
    std::vector<std::byte*> captured;
    for (std::size_t i = 1; i < binding.inputs.size(); ++i) {
      captured.push_back(address(binding.inputs[i]));
    }
    if_true_.bind(captured, binding.scratch);
    if_false_.bind(captured, binding.scratch);
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
  Binding binding_;
};

class FusedKernel final : public Kernel {
 public:
  FusedKernel(KernelFactory& factory, const Graph&, const Node& node)
      : body_(factory, sub_graph(node, "body")) {
    for (std::size_t i = 0; i < body_.output_count(); ++i) {
      if (body_.passes_through(i)) passes_through_ = true;
    }
  }

  std::int64_t scratch_bytes() const override { return body_.scratch_bytes(); }

  // Results are written when all operands have been read, unless a result is
  // an operand that another result might have overwritten.
  bool can_overwrite(int, int) const override { return !passes_through_; }

  void bind(const Binding& binding) override {
    binding_ = binding;
    std::vector<std::byte*> parameters;
    for (const View& input : binding.inputs) {
      parameters.push_back(address(input));
    }
    body_.bind(parameters, binding.scratch);
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
