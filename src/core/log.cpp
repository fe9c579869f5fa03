#include "src/core/log.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <mutex>

#include "src/core/env.hpp"
#include "src/core/names.hpp"

namespace keratin {

namespace {

// In the order of the enum.
constexpr std::array<std::string_view, 8> kChannelNames = {
    "warning",
    "info",
    "dispatch",
    "passes",
    "memory",
    "data",
    "files",
    "train"};

constexpr std::uint32_t bit(LogChannel channel) {
  return 1U << static_cast<unsigned>(channel);
}

constexpr std::uint32_t kUnset = 0;  // warnings are always in, so 0 is free

std::atomic<std::uint32_t> shown = kUnset;
std::mutex capture_mutex;
LogCapture* innermost = nullptr;  // guarded by capture_mutex

std::uint32_t channel_bits(
    const std::vector<std::string>& names, std::vector<std::string>& unknown) {
  std::uint32_t bits = bit(LogChannel::warning);
  for (const std::string& name : names) {
    const auto found =
        std::find(kChannelNames.begin(), kChannelNames.end(), name);
    if (name == "all") {
      bits = ~0U;
    } else if (found != kChannelNames.end()) {
      bits |= 1U << (found - kChannelNames.begin());
    } else {
      unknown.push_back(name);
    }
  }
  return bits;
}

spdlog::logger& logger() {
  static spdlog::logger instance = [] {
    spdlog::logger made(
        "keratin", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    made.set_pattern("%^keratin %v%$");
    return made;
  }();
  return instance;
}

}  // namespace

void set_log_channels(const std::vector<std::string>& names) {
  std::vector<std::string> unknown;
  shown = channel_bits(names, unknown);
  for (const std::string& name : unknown) {
    KERATIN_LOG(
        warning,
        "[KERATIN_LOG] expected a log channel, got \"{}\"{}",
        name,
        did_you_mean(name, kChannelNames));
  }
}

bool log_enabled(LogChannel channel) {
  if (shown.load(std::memory_order_relaxed) == kUnset) {
    set_log_channels(env::log_channels());
  }
  return (shown.load(std::memory_order_relaxed) & bit(channel)) != 0;
}

void log_message(LogChannel channel, const std::string& text) {
  {
    const std::lock_guard lock(capture_mutex);
    if (innermost != nullptr) {
      innermost->lines_.push_back({channel, text});
      return;
    }
  }
  const auto level = channel == LogChannel::warning ? spdlog::level::warn
                                                    : spdlog::level::info;
  logger().log(
      level, "{}: {}", kChannelNames[static_cast<std::size_t>(channel)], text);
}

LogCapture::LogCapture(const std::vector<std::string>& channels)
    : channels_before_(shown) {
  {
    const std::lock_guard lock(capture_mutex);
    outer_ = innermost;
    innermost = this;
  }
  set_log_channels(channels);
}

LogCapture::~LogCapture() {
  const std::lock_guard lock(capture_mutex);
  innermost = outer_;
  shown = channels_before_;
}

std::vector<LogLine> LogCapture::lines() const {
  const std::lock_guard lock(capture_mutex);
  return lines_;
}

bool LogCapture::contains(std::string_view text) const {
  for (const LogLine& line : lines()) {
    if (line.text.find(text) != std::string::npos) return true;
  }
  return false;
}

}  // namespace keratin
