#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/core/plugin_export.hpp"

/// The settings that the environment may hold: one typed table, and the only
/// place of the library that reads the environment. Every getter reads anew;
/// code on a hot path asks once and keeps the answer.
namespace keratin::env {

struct Setting {
  std::string_view name;  // "KERATIN_LOG"
  std::string_view kind;  // "names", "flag", "count", "size", "name" or
                          // "folder"
  std::string_view doc;   // one line, for `keratin info`
};

/// All settings, in the order in which `keratin info` lists them.
std::span<const Setting> settings();

/// The text a setting has, whatever its kind; nothing when unset or empty.
/// Throws InvalidArgument for a name that the table lacks.
std::optional<std::string> raw(std::string_view name);

// Typed getters. Each throws InvalidArgument, naming the setting, when the text
// does not parse.
std::vector<std::string> log_channels();  // KERATIN_LOG
std::vector<std::string> passes();  // KERATIN_PASSES: "-fuse_elementwise", ...
bool check_nan();                   // KERATIN_CHECK_NAN
std::optional<std::string> backend();   // KERATIN_BACKEND
std::optional<int> num_threads();       // KERATIN_NUM_THREADS, >= 1
std::optional<std::string> data_dir();  // KERATIN_DATA
std::int64_t memory_limit();            // KERATIN_MEMORY_LIMIT, bytes; 0: none
bool offline();                         // KERATIN_OFFLINE
std::optional<std::string> mirror();    // KERATIN_MIRROR

// Plug-ins ask for these, too.
KERATIN_PLUGIN_EXPORT std::optional<std::string> dump_dir();  // KERATIN_DUMP
KERATIN_PLUGIN_EXPORT std::vector<std::string> profile();     // KERATIN_PROFILE
KERATIN_PLUGIN_EXPORT std::string cache_dir();  // KERATIN_CACHE or XDG's
KERATIN_PLUGIN_EXPORT std::optional<std::string> device();  // KERATIN_DEVICE

/// A setting's value for the time of a scope, over the environment's. For tests
/// and for command-line options; not for several threads at once.
class ScopedSetting {
 public:
  ScopedSetting(std::string_view name, std::string value);
  ~ScopedSetting();
  ScopedSetting(const ScopedSetting&) = delete;
  ScopedSetting& operator=(const ScopedSetting&) = delete;

 private:
  std::string name_;
  std::optional<std::string> before_;
};

}  // namespace keratin::env
