#include "src/core/env.hpp"

#include <array>
#include <charconv>
#include <cstdlib>
#include <map>
#include <mutex>
#include <utility>

#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/core/names.hpp"

namespace keratin::env {

namespace {

constexpr std::array kSettings = {
    Setting{
        "KERATIN_LOG",
        "names",
        "log channels to show, e.g. info,dispatch; all shows every one"},
    Setting{
        "KERATIN_DUMP",
        "folder",
        "write the graph after each pass here, as text and as dot"},
    Setting{
        "KERATIN_PASSES",
        "names",
        "passes to leave out, each with a minus, e.g. -fuse_elementwise"},
    Setting{
        "KERATIN_PROFILE",
        "names",
        "1 prints the time of each layer and op; FILE.csv and FILE.json (a "
        "Chrome trace) write it"},
    Setting{
        "KERATIN_CHECK_NAN",
        "flag",
        "1 stops at the first NaN or infinity and names its layer"},
    Setting{
        "KERATIN_BACKEND",
        "name",
        "the backend that computes, e.g. reference or cpu"},
    Setting{
        "KERATIN_NUM_THREADS",
        "count",
        "threads that compute; the physical cores by default"},
    Setting{
        "KERATIN_MEMORY_LIMIT",
        "size",
        "what intermediate values may take, e.g. 1.5GB; cheap ones are "
        "computed "
        "again"},
    Setting{"KERATIN_DATA", "folder", "where data sets are looked up first"},
    Setting{
        "KERATIN_CACHE",
        "folder",
        "where downloads and choices made by timing are kept; ~/.cache/keratin "
        "by default"},
    Setting{"KERATIN_OFFLINE", "flag", "1 forbids downloads"},
    Setting{
        "KERATIN_MIRROR",
        "name",
        "an address that serves weights and data sets in place of their own"},
    Setting{
        "KERATIN_DEVICE", "name", "the backend and its device, e.g. cuda:1"},
};

std::mutex& overrides_mutex() {
  static std::mutex mutex;
  return mutex;
}

std::map<std::string, std::string, std::less<>>& overrides() {
  static std::map<std::string, std::string, std::less<>> values;
  return values;
}

void check_known(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Setting& setting : kSettings) {
    if (setting.name == name) return;
    names.push_back(setting.name);
  }
  throw InvalidArgument(keratin::format(
      "[settings] expected a known setting, got {}{}",
      name,
      did_you_mean(name, names)));
}

bool flag(std::string_view name) {
  const auto text = raw(name);
  if (!text || *text == "0" || *text == "off" || *text == "false") return false;
  if (*text == "1" || *text == "on" || *text == "true") return true;
  throw InvalidArgument(
      keratin::format("[{}] expected 0 or 1, got \"{}\"", name, *text));
}

std::vector<std::string> names(std::string_view name) {
  std::vector<std::string> items;
  const std::string text = raw(name).value_or("");
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    if (end > begin) items.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return items;
}

}  // namespace

std::span<const Setting> settings() {
  return kSettings;
}

std::optional<std::string> raw(std::string_view name) {
  check_known(name);
  {
    const std::lock_guard lock(overrides_mutex());
    const auto found = overrides().find(name);
    if (found != overrides().end()) {
      if (found->second.empty()) return std::nullopt;
      return found->second;
    }
  }
  const char* value = std::getenv(std::string(name).c_str());
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

std::vector<std::string> log_channels() {
  return names("KERATIN_LOG");
}

std::optional<std::string> dump_dir() {
  return raw("KERATIN_DUMP");
}

std::vector<std::string> passes() {
  return names("KERATIN_PASSES");
}

std::vector<std::string> profile() {
  std::vector<std::string> targets = names("KERATIN_PROFILE");
  for (std::string& target : targets) {
    if (target == "on" || target == "true") target = "1";
  }
  std::erase_if(targets, [](const std::string& target) {
    return target == "0" || target == "off" || target == "false";
  });
  return targets;
}

bool check_nan() {
  return flag("KERATIN_CHECK_NAN");
}

std::optional<std::string> backend() {
  return raw("KERATIN_BACKEND");
}

std::optional<int> num_threads() {
  const auto text = raw("KERATIN_NUM_THREADS");
  if (!text) return std::nullopt;
  int count = 0;
  const char* end = text->data() + text->size();
  const auto [rest, error] = std::from_chars(text->data(), end, count);
  if (error != std::errc{} || rest != end || count < 1) {
    throw InvalidArgument(keratin::format(
        "[KERATIN_NUM_THREADS] expected a whole number >= 1, got \"{}\"",
        *text));
  }
  return count;
}

std::int64_t memory_limit() {
  const auto text = raw("KERATIN_MEMORY_LIMIT");
  if (!text) return 0;
  double amount = 0;
  const char* const end = text->data() + text->size();
  const auto [rest, error] = std::from_chars(text->data(), end, amount);
  const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  constexpr std::pair<std::string_view, double> kUnits[] = {
      {"", 1}, {"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}};
  for (const auto& [name, bytes] : kUnits) {
    const double total = amount * bytes;
    if (error == std::errc{} && unit == name && total >= 0 && total < 9e18) {
      return static_cast<std::int64_t>(total);
    }
  }
  throw InvalidArgument(keratin::format(
      "[KERATIN_MEMORY_LIMIT] expected bytes, or a number with kB, MB or GB, "
      "got \"{}\"",
      *text));
}

std::optional<std::string> data_dir() {
  return raw("KERATIN_DATA");
}

std::string cache_dir() {
  if (const auto dir = raw("KERATIN_CACHE")) return *dir;
  // The XDG base directory specification's order.
  const char* xdg = std::getenv("XDG_CACHE_HOME");
  if (xdg != nullptr && *xdg == '/') return std::string(xdg) + "/keratin";
  const char* home = std::getenv("HOME");
  if (home != nullptr && *home != '\0') {
    return std::string(home) + "/.cache/keratin";
  }
  throw InvalidArgument(
      "[KERATIN_CACHE] expected a cache folder, got neither KERATIN_CACHE nor "
      "HOME; set KERATIN_CACHE");
}

bool offline() {
  return flag("KERATIN_OFFLINE");
}

std::optional<std::string> mirror() {
  const auto address = raw("KERATIN_MIRROR");
  if (address && !address->starts_with("http://") &&
      !address->starts_with("https://")) {
    throw InvalidArgument(keratin::format(
        "[KERATIN_MIRROR] expected an address that begins with http:// or "
        "https://, got \"{}\"",
        *address));
  }
  return address;
}

std::optional<std::string> device() {
  return raw("KERATIN_DEVICE");
}

ScopedSetting::ScopedSetting(std::string_view name, std::string value)
    : name_(name) {
  check_known(name);
  const std::lock_guard lock(overrides_mutex());
  const auto found = overrides().find(name);
  if (found != overrides().end()) before_ = found->second;
  overrides()[name_] = std::move(value);
}

ScopedSetting::~ScopedSetting() {
  const std::lock_guard lock(overrides_mutex());
  if (before_) {
    overrides()[name_] = *before_;
  } else {
    overrides().erase(name_);
  }
}

}  // namespace keratin::env
