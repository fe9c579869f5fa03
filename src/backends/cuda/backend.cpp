#include "src/backends/cuda/backend.hpp"

#include <charconv>

#include <keratin/error.hpp>

#include "src/backends/cuda/epilogues.hpp"
#include "src/backends/cuda/executable.hpp"
#include "src/backends/cuda/lowering.hpp"
#include "src/core/env.hpp"
#include "src/core/format.hpp"

namespace keratin::cuda {

namespace {

class CudaBackend final : public Backend {
 public:
  CudaBackend(const Api& api, int ordinal)
      : device_(std::make_unique<Device>(api, ordinal)) {}

  std::string_view name() const override { return "cuda"; }

  std::vector<std::string> devices() const override {
    return {device_->description()};
  }

  Support supports(const Graph& graph, const Node& node) const override {
    return cuda::supports(graph, node);
  }

  std::vector<Pass> passes() const override {
    return {{"cuda_epilogues", gather_epilogues}};
  }

  std::unique_ptr<Executable> compile(
      Graph graph, const CompileOptions& options) override {
    return cuda::compile(*device_, std::move(graph), options);
  }

  std::shared_ptr<Workspace> make_workspace() override {
    return std::make_shared<DeviceWorkspace>(*device_);
  }

  std::shared_ptr<DeviceStorage> allocate(
      DType dtype, const Shape& shape) override {
    return std::make_shared<CudaStorage>(*device_, dtype, shape);
  }

  void synchronize() override { device_->synchronize(); }

 private:
  std::unique_ptr<Device> device_;
};

}  // namespace

std::unique_ptr<Backend> make_backend(const Api& api, int ordinal) {
  return std::make_unique<CudaBackend>(api, ordinal);
}

int chosen_device() {
  const std::string device = env::device().value_or("cuda");
  const std::size_t colon = device.find(':');
  if (device.substr(0, colon) != "cuda" || colon == std::string::npos) {
    return 0;
  }
  int ordinal = -1;
  const char* begin = device.data() + colon + 1;
  const char* end = device.data() + device.size();
  const auto [rest, error] = std::from_chars(begin, end, ordinal);
  if (error != std::errc{} || rest != end || ordinal < 0) {
    throw InvalidArgument(keratin::format(
        "[KERATIN_DEVICE] expected cuda or cuda:<number>, got \"{}\"", device));
  }
  return ordinal;
}

}  // namespace keratin::cuda
