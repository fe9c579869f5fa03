#include "src/runtime/registry.hpp"

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include <keratin/error.hpp>

#include "src/backends/reference/backend.hpp"
#include "src/core/env.hpp"
#include "src/core/format.hpp"
#include "src/core/log.hpp"
#include "src/core/names.hpp"
#include "src/runtime/plugin.hpp"
#ifdef KERATIN_HAS_CPU
#include "src/backends/cpu/backend.hpp"
#endif

namespace keratin {

namespace {

// A backend of the table, opened when somebody asks for it.
struct Entry {
  std::string name;
  std::function<Plugin()> open;
  bool by_default;  // default_backend() may choose it
  bool opened = false;
  Backend* backend = nullptr;  // null: not here
  std::string reason = {};     // why not
};

// Backends built into the library live as long as the process, as plug-ins do:
// a program that ends while threads still run must not pull them away.
Plugin built_in(std::unique_ptr<Backend> backend) {
  return {backend.release(), {}};
}

class Registry {
 public:
  Registry() {
    set_node_evaluator(reference::evaluate);
    // The best first: this is the order of default_backend().
#ifdef KERATIN_HAS_CPU
    entries_.push_back(
        {"cpu", [] { return built_in(cpu::make_backend()); }, true});
#endif
    entries_.push_back(
        {"reference",
         [] { return built_in(reference::make_backend()); },
         true});
    // Opening it costs a driver's start: only when asked for.
    entries_.push_back(
        {"cuda", [] { return open_plugin("libkeratin_cuda.so"); }, false});
  }

  Backend& find(std::string_view name) {
    const std::lock_guard lock(mutex_);
    return find_locked(name);
  }

  Backend& fallback() {
    const std::lock_guard lock(mutex_);
    if (!chosen_.empty()) return find_locked(chosen_);
    if (const auto device = env::device()) return find_device(*device);
    if (const auto setting = env::backend()) return find_locked(*setting);
    for (Entry& entry : entries_) {
      if (entry.by_default && open(entry) != nullptr) return *entry.backend;
    }
    throw SystemError("[backends] none of the built-in backends is available");
  }

  void choose(std::string name) {
    const std::lock_guard lock(mutex_);
    if (!name.empty()) find_locked(name);
    chosen_ = std::move(name);
  }

  std::vector<BackendStatus> list() {
    const std::lock_guard lock(mutex_);
    std::vector<BackendStatus> all;
    for (Entry& entry : entries_) {
      BackendStatus status{entry.name, open(entry) != nullptr, entry.reason};
      if (status.available) {
        for (const std::string& device : entry.backend->devices()) {
          if (!status.detail.empty()) status.detail += "; ";
          status.detail += device;
        }
      }
      all.push_back(std::move(status));
    }
    return all;
  }

 private:
  static Backend* open(Entry& entry) {
    if (!entry.opened) {
      entry.opened = true;
      const Plugin plugin = entry.open();
      entry.backend = plugin.backend;
      entry.reason = plugin.reason;
      if (entry.backend == nullptr) {
        KERATIN_LOG(info, "no backend {}: {}", entry.name, entry.reason);
      }
    }
    return entry.backend;
  }

  // "cuda:1": the backend and which of its devices. The host is one device; a
  // plug-in reads the number itself.
  Backend& find_device(const std::string& device) {
    const std::size_t colon = device.find(':');
    const std::string name = device.substr(0, colon);
    if (const auto setting = env::backend(); setting && *setting != name) {
      throw InvalidArgument(keratin::format(
          "[KERATIN_DEVICE] expected a device of the backend '{}', got '{}'",
          *setting,
          device));
    }
    const bool host = name == "cpu" || name == "reference";
    if (host && colon != std::string::npos && device.substr(colon) != ":0") {
      throw InvalidArgument(keratin::format(
          "[KERATIN_DEVICE] the backend '{}' has one device, not '{}'",
          name,
          device));
    }
    return find_locked(name);
  }

  Backend& find_locked(std::string_view name) {
    std::vector<std::string> names;
    for (Entry& entry : entries_) {
      names.push_back(entry.name);
      if (entry.name != name) continue;
      if (open(entry) != nullptr) return *entry.backend;
      throw InvalidArgument(keratin::format(
          "[backend {}] not available here: {}", name, entry.reason));
    }
    std::string known;
    for (const std::string& each : names) {
      known += (known.empty() ? "" : ", ") + each;
    }
    throw InvalidArgument(keratin::format(
        "[backend {}] expected one of {}{}",
        name,
        known,
        did_you_mean(name, names)));
  }

  std::mutex mutex_;
  std::vector<Entry> entries_;
  std::string chosen_;
};

Registry& registry() {
  static auto* the_registry = new Registry;
  return *the_registry;
}

}  // namespace

Backend& find_backend(std::string_view name) {
  return registry().find(name);
}

Backend& default_backend() {
  return registry().fallback();
}

void set_backend(const std::string& name) {
  registry().choose(name);
}

std::string backend_name() {
  return std::string(default_backend().name());
}

std::vector<BackendStatus> list_backends() {
  return registry().list();
}

}  // namespace keratin
