// Convolutions by cuDNN's graph interface, by way of its C++ front end.
//
// Images are channels-last as the IR has them. The IR's weights are
// [kernel..., c, f]; cuDNN's fast engines want [f, kernel..., c], so weights
// are turned on the way in, and their gradients on the way out.

#include "src/backends/cuda/cudnn.hpp"

#define NV_CUDNN_FRONTEND_USE_DYNAMIC_LOADING
#include <cuda_runtime_api.h>
#include <cudnn_frontend.h>

#include <array>
#include <mutex>
#include <unordered_map>
#include <vector>

#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/core/log.hpp"

namespace cudnn_frontend {

void* cudnn_dlhandle = nullptr;  // the front end looks functions up in it

}  // namespace cudnn_frontend

namespace keratin::cuda {

namespace {

namespace fe = cudnn_frontend;

using Dims = std::vector<std::int64_t>;

constexpr std::int64_t kAlignment = 256;

enum Uid : std::int64_t { kFirst = 1, kSecond = 2, kResult = 3 };

std::optional<fe::DataType_t> data_type(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return fe::DataType_t::FLOAT;
    case DType::f16:
      return fe::DataType_t::HALF;
    case DType::bf16:
      return fe::DataType_t::BFLOAT16;
    default:
      return std::nullopt;
  }
}

// A convolution with two or three spatial axes (one gets a second of extent 1).
struct Problem {
  Op op = Op::conv;
  DType dtype = DType::f32;
  bool deterministic = false;
  Dims x;  // [n, c, spatial...], as cuDNN counts
  Dims w;  // [f, c / groups, spatial...]
  Dims y;
  Dims stride, pad_low, pad_high, dilation;

  bool operator==(const Problem&) const = default;
};

// Channels-last in memory, whatever the order of counting.
Dims channels_last(const Dims& dims) {
  Dims strides(dims.size());
  std::int64_t step = dims[1];
  strides[1] = 1;
  for (std::size_t i = dims.size(); i-- > 2;) {
    strides[i] = step;
    step *= dims[i];
  }
  strides[0] = step;
  return strides;
}

Dims counted(const Shape& shape, std::size_t spatial) {
  Dims dims = {shape[0], shape.back()};
  for (std::size_t i = spatial; i < 2; ++i) dims.push_back(1);
  for (std::size_t i = 0; i < spatial; ++i) dims.push_back(shape[i + 1]);
  return dims;
}

Problem problem_of(const LowerArgs& args) {
  const Op op = args.node.op;
  const bool data = op == Op::conv_backward_data;
  const bool weights = op == Op::conv_backward_weights;
  const Shape& x = data ? args.out().shape : args.in(0).shape;
  const Shape& w = weights ? args.out().shape : args.in(1).shape;
  const Shape& y = data      ? args.in(0).shape
                   : weights ? args.in(1).shape
                             : args.out().shape;
  const std::size_t spatial = x.rank() - 2;
  Problem problem;
  problem.op = op;
  problem.dtype = args.out().dtype;
  problem.deterministic = args.target.deterministic;
  problem.x = counted(x, spatial);
  problem.y = counted(y, spatial);
  problem.w = {w.back(), w[w.rank() - 2]};
  for (std::size_t i = spatial; i < 2; ++i) problem.w.push_back(1);
  for (std::size_t i = 0; i < spatial; ++i) problem.w.push_back(w[i]);
  const auto axes = [&](std::string_view name, std::int64_t missing) {
    Dims all(spatial < 2 ? 2 - spatial : 0, missing);
    for (const std::int64_t each : args.node.attrs.ints(name)) {
      all.push_back(each);
    }
    return all;
  };
  problem.stride = axes("strides", 1);
  problem.pad_low = axes("pad_low", 0);
  problem.pad_high = axes("pad_high", 0);
  problem.dilation = axes("dilation", 1);
  return problem;
}

void expect(const fe::error_t& error, std::string_view what) {
  if (error.is_good()) return;
  throw SystemError(
      keratin::format("[cuda] cuDNN: {} failed: {}", what, error.err_msg));
}

// first, second, result, workspace
class Convolution final : public LibraryCall {
 public:
  Convolution(
      const Problem& problem,
      cudnnHandle_t handle,
      const std::shared_ptr<const fe::DeviceProperties>& properties)
      : handle_(handle) {
    const fe::DataType_t type = *data_type(problem.dtype);
    graph_.set_io_data_type(type)
        .set_intermediate_data_type(fe::DataType_t::FLOAT)
        .set_compute_data_type(fe::DataType_t::FLOAT);
    if (properties) graph_.set_device_properties(properties);
    describe(problem);
    expect(graph_.validate(), "validate");
    expect(
        properties ? graph_.build_operation_graph()
                   : graph_.build_operation_graph(handle_),
        "build_operation_graph");
    expect(
        graph_.create_execution_plans(
            {fe::HeurMode_t::A, fe::HeurMode_t::FALLBACK}),
        "create_execution_plans");
    // Strict float32: tensor cores would round to TF32.
    if (problem.dtype == DType::f32) {
      graph_.deselect_numeric_notes({fe::NumericalNote_t::TENSOR_CORE});
    }
    if (problem.deterministic) {
      graph_.deselect_numeric_notes({fe::NumericalNote_t::NONDETERMINISTIC});
    }
    expect(
        graph_.build_plans(fe::BuildPlanPolicy_t::HEURISTICS_CHOICE),
        "build_plans");
    workspace_ = graph_.get_workspace_size();
  }

  std::string name() const override { return "cudnn.conv"; }

  std::int64_t workspace_bytes() const { return workspace_; }

  void run(const std::vector<DevicePtr>& buffers, void* stream) const override {
    const auto at = [&](std::size_t i) {
      // NOLINTNEXTLINE(performance-no-int-to-ptr): addresses of the device
      return reinterpret_cast<void*>(buffers[i]);
    };
    if (fe::detail::set_stream(handle_, static_cast<cudaStream_t>(stream)) !=
        CUDNN_STATUS_SUCCESS) {
      throw SystemError("[cuda] cudnnSetStream failed");
    }
    std::unordered_map<std::int64_t, void*> tensors = {
        {kFirst, at(0)}, {kSecond, at(1)}, {kResult, at(2)}};
    expect(graph_.execute(handle_, tensors, at(3)), "execute");
  }

 private:
  std::shared_ptr<fe::graph::Tensor_attributes> tensor(
      const std::string& name, Uid uid, const Dims& dims) {
    return graph_.tensor(fe::graph::Tensor_attributes()
                             .set_name(name)
                             .set_uid(uid)
                             .set_dim(dims)
                             .set_stride(channels_last(dims)));
  }

  template <class Attributes>
  static Attributes attributes(const Problem& problem) {
    Attributes made;
    made.set_pre_padding(problem.pad_low)
        .set_post_padding(problem.pad_high)
        .set_stride(problem.stride)
        .set_dilation(problem.dilation);
    return made;
  }

  void describe(const Problem& p) {
    std::shared_ptr<fe::graph::Tensor_attributes> result;
    Dims dims;
    if (p.op == Op::conv) {
      result = graph_.conv_fprop(
          tensor("x", kFirst, p.x),
          tensor("w", kSecond, p.w),
          attributes<fe::graph::Conv_fprop_attributes>(p));
      dims = p.y;
    } else if (p.op == Op::conv_backward_data) {
      result = graph_.conv_dgrad(
          tensor("dy", kFirst, p.y),
          tensor("w", kSecond, p.w),
          attributes<fe::graph::Conv_dgrad_attributes>(p));
      dims = p.x;
    } else {
      const auto x = tensor("x", kFirst, p.x);
      result = graph_.conv_wgrad(
          tensor("dy", kSecond, p.y),
          x,
          attributes<fe::graph::Conv_wgrad_attributes>(p));
      dims = p.w;
    }
    result->set_output(true)
        .set_uid(kResult)
        .set_dim(dims)
        .set_stride(channels_last(dims))
        .set_data_type(*data_type(p.dtype));
  }

  fe::graph::Graph graph_;
  cudnnHandle_t handle_;
  std::int64_t workspace_ = 0;
};

class Cudnn final : public ConvolutionLibrary {
 public:
  Cudnn(
      cudnnHandle_t handle,
      std::shared_ptr<const fe::DeviceProperties> properties)
      : handle_(handle), properties_(std::move(properties)) {}

  std::optional<Lowering> lower(const LowerArgs& args) override {
    if (!data_type(args.out().dtype) || args.out().shape.size() == 0 ||
        args.in(0).shape.size() == 0 || args.in(1).shape.size() == 0) {
      return std::nullopt;
    }
    const Problem problem = problem_of(args);
    const std::shared_ptr<const Convolution> call = plan(problem);
    if (!call) return std::nullopt;
    return around(args, problem, call);
  }

 private:
  std::shared_ptr<const Convolution> plan(const Problem& problem) {
    const std::lock_guard lock(mutex_);
    for (const auto& [known, call] : plans_) {
      if (known == problem) return call;
    }
    std::shared_ptr<const Convolution> call;
    try {
      call = std::make_shared<Convolution>(problem, handle_, properties_);
    } catch (const SystemError& error) {
      KERATIN_LOG(
          dispatch,
          "{} of {}: {}",
          op_name(problem.op),
          problem.dtype,
          error.what());
    }
    plans_.emplace_back(problem, call);
    return call;
  }

  // scratch: | weights as cuDNN has them | its workspace |
  static Lowering around(
      const LowerArgs& args,
      const Problem& problem,
      const std::shared_ptr<const Convolution>& call) {
    // The IR's [taps, c, f] and cuDNN's [f, taps, c].
    const std::int64_t f = problem.w[0];
    const std::int64_t c = problem.w[1];
    std::int64_t taps = 1;
    for (std::size_t i = 2; i < problem.w.size(); ++i) taps *= problem.w[i];
    const std::int64_t n = f * c * taps;
    const bool gradient = problem.op == Op::conv_backward_weights;
    const Dims dims = {taps, c, f};
    const Dims ours = {c * f, f, 1};
    const Dims theirs = {c, 1, taps * c};
    const auto turn = strided_copy(
        gradient ? "conv_weights_back" : "conv_weights",
        problem.dtype,
        dims,
        gradient ? theirs : ours,
        0,
        gradient ? ours : theirs,
        0);
    const std::int64_t weight_bytes =
        (n * static_cast<std::int64_t>(size_of(problem.dtype)) + kAlignment -
         1) /
        kAlignment * kAlignment;
    const std::int64_t blocks = args.target.blocks(n, 256);
    Lowering lowering;
    lowering.scratch_bytes = weight_bytes + call->workspace_bytes();
    lowering.emit = [=](Emission& at) {
      const Place weights = at.scratch;
      const Place workspace = at.scratch.plus(weight_bytes);
      if (gradient) {
        at.call(call, {at.in[0], at.in[1], weights, workspace});
        at.launch(turn, blocks, {weights, at.out[0], n});
      } else {
        at.launch(turn, blocks, {at.in[1], weights, n});
        at.call(call, {at.in[0], weights, at.out[0], workspace});
      }
    };
    return lowering;
  }

  cudnnHandle_t handle_;  // lives as long as the process
  std::shared_ptr<const fe::DeviceProperties> properties_;
  std::mutex mutex_;
  std::vector<std::pair<Problem, std::shared_ptr<const Convolution>>> plans_;
};

}  // namespace

std::unique_ptr<ConvolutionLibrary> make_cudnn(void* library) {
  fe::cudnn_dlhandle = library;
  cudnnHandle_t handle = nullptr;
  if (fe::detail::create_handle(&handle) != CUDNN_STATUS_SUCCESS) {
    throw SystemError("[cuda] cudnnCreate failed");
  }
  return std::make_unique<Cudnn>(handle, nullptr);
}

std::unique_ptr<ConvolutionLibrary> make_cudnn_for(
    void* library, const std::string& properties) {
  fe::cudnn_dlhandle = library;
  auto made = std::make_shared<fe::DeviceProperties>();
  expect(
      made->deserialize(
          std::vector<std::uint8_t>(properties.begin(), properties.end())),
      "device properties");
  return std::make_unique<Cudnn>(nullptr, std::move(made));
}

}  // namespace keratin::cuda
