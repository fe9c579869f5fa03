#include "src/runtime/plugin.hpp"

#include <exception>
#include <string>

#include "src/backends/cuda/api.hpp"
#include "src/backends/cuda/backend.hpp"
#include "src/core/format.hpp"

namespace {

std::string& last_error() {
  static std::string text;
  return text;
}

}  // namespace

extern "C" KERATIN_PLUGIN_EXPORT keratin::Backend* keratin_plugin_create(
    int api_version) {
  using namespace keratin;
  if (api_version != KERATIN_PLUGIN_API) {
    last_error() = keratin::format(
        "the plug-in speaks version {} of the plug-in interface, the library "
        "version {}; install both from one build",
        KERATIN_PLUGIN_API,
        api_version);
    return nullptr;
  }
  // Lives as long as the process, like the backend.
  static auto* api = new cuda::Api;
  try {
    last_error() = cuda::load_api(*api);
    if (!last_error().empty()) return nullptr;
    return cuda::make_backend(*api, cuda::chosen_device()).release();
  } catch (const std::exception& error) {
    last_error() = error.what();
    return nullptr;
  }
}

extern "C" KERATIN_PLUGIN_EXPORT const char* keratin_plugin_error() {
  return last_error().c_str();
}
