// plugin_check LIBRARY: opens the plug-in as the library does. It must refuse
// another version of the interface with both versions in its words, and either
// hand over a backend or say why not.

#include <dlfcn.h>

#include <cstdio>
#include <cstring>
#include <string>

#include "src/runtime/plugin.hpp"

namespace {

int fail(const std::string& what) {
  std::fprintf(stderr, "plugin_check: %s\n", what.c_str());
  return 1;
}

}  // namespace

int main(int count, char** arguments) {
  using keratin::KERATIN_PLUGIN_API;
  if (count != 2) return fail("expected the plug-in's path");
  void* library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return fail(dlerror());
  const auto create = reinterpret_cast<keratin::Backend* (*)(int)>(
      dlsym(library, "keratin_plugin_create"));
  const auto error = reinterpret_cast<const char* (*)()>(
      dlsym(library, "keratin_plugin_error"));
  if (create == nullptr || error == nullptr) return fail("a name is missing");
  const int other = KERATIN_PLUGIN_API + 1;
  if (create(other) != nullptr) return fail("it took another version");
  const std::string words = error();
  if (words.find("version " + std::to_string(other)) == std::string::npos) {
    return fail("another version's refusal says: " + words);
  }
  keratin::Backend* backend = create(KERATIN_PLUGIN_API);
  if (backend != nullptr) {
    std::printf("%s\n", backend->devices()[0].c_str());
    return 0;
  }
  if (std::strlen(error()) == 0) return fail("no backend and no reason");
  std::printf("no backend: %s\n", error());
  return 0;
}
