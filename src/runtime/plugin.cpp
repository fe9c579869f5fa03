#include "src/runtime/plugin.hpp"

#include <dlfcn.h>

#include <exception>
#include <filesystem>
#include <system_error>

#include "src/core/format.hpp"
#include "src/core/log.hpp"

namespace keratin {

namespace {

using CreateFunction = Backend* (*)(int api_version);
using ErrorFunction = const char* (*)();

// The folder of the library (or program) that holds this very function.
std::filesystem::path own_folder() {
  Dl_info info{};
  const auto* here = reinterpret_cast<const void*>(&own_folder);
  if (dladdr(here, &info) == 0 || info.dli_fname == nullptr) return {};
  return std::filesystem::path(info.dli_fname).parent_path();
}

std::string loader_error() {
  const char* text = dlerror();
  return text != nullptr ? text : "unknown error of the loader";
}

}  // namespace

Plugin open_plugin(const std::string& file) {
  const std::filesystem::path beside = own_folder() / file;
  std::error_code ignored;
  const bool found = std::filesystem::exists(beside, ignored);
  const std::string path = found ? beside.string() : file;
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return {nullptr, loader_error()};
  const auto create =
      reinterpret_cast<CreateFunction>(dlsym(library, "keratin_plugin_create"));
  if (create == nullptr) {
    return {nullptr, keratin::format("{} has no keratin_plugin_create", path)};
  }
  try {
    Backend* backend = create(KERATIN_PLUGIN_API);
    if (backend != nullptr) {
      KERATIN_LOG(info, "opened {}", path);
      return {backend, {}};
    }
  } catch (const std::exception& error) {
    return {nullptr, error.what()};
  }
  const auto error =
      reinterpret_cast<ErrorFunction>(dlsym(library, "keratin_plugin_error"));
  const char* text = error != nullptr ? error() : nullptr;
  return {
      nullptr,
      text != nullptr ? std::string(text)
                      : keratin::format(
                            "{} declined version {} of the plug-in interface",
                            path,
                            KERATIN_PLUGIN_API)};
}

}  // namespace keratin
