// A backend in a shared library of its own, as CUDA's will be: just enough to
// see that it is opened, asked and used. KERATIN_TEST_DECLINE makes one that
// wants another version of the interface.

#include "src/runtime/plugin.hpp"

namespace {

using namespace keratin;

class ExampleBackend final : public Backend {
 public:
  std::string_view name() const override { return "example"; }

  std::vector<std::string> devices() const override {
    return {"example:0: nothing"};
  }

  Support supports(const Graph&, const Node&) const override {
    return Support::no("an example computes nothing");
  }

  std::vector<Pass> passes() const override { return {}; }

  std::unique_ptr<Executable> compile(Graph, const CompileOptions&) override {
    return nullptr;
  }

  std::shared_ptr<Workspace> make_workspace() override { return nullptr; }

  std::shared_ptr<DeviceStorage> allocate(DType, const Shape&) override {
    return nullptr;
  }

  void synchronize() override {}
};

#ifdef KERATIN_TEST_DECLINE
constexpr int kWanted = KERATIN_PLUGIN_API + 1;
#else
constexpr int kWanted = KERATIN_PLUGIN_API;
#endif

}  // namespace

extern "C" KERATIN_API keratin::Backend* keratin_plugin_create(
    int api_version) {
  if (api_version != kWanted) return nullptr;
  static ExampleBackend backend;
  return &backend;
}

#ifdef KERATIN_TEST_REASON
extern "C" KERATIN_API const char* keratin_plugin_error() {
  return "the driver is too old";
}
#endif
