#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/core/format.hpp"
#include "src/core/plugin_export.hpp"

namespace keratin {

/// What a log line is about. Warnings always show; the rest is off unless
/// KERATIN_LOG names it (comma-separated; "all" shows every channel).
enum class LogChannel : std::uint8_t {
  warning,
  info,      // what a run does, in a few lines
  dispatch,  // which kernel won and why the others lost
  passes,    // what each pass changed
  memory,    // arenas and plans
  data,      // data sets, downloads, pipelines
  files,     // what is read and written
  train,     // programs compiled and dropped, callbacks
};

KERATIN_PLUGIN_EXPORT bool log_enabled(LogChannel channel);

/// Shows a line on stderr, or hands it to the innermost LogCapture. The
/// channel is taken as enabled. Safe from several threads.
KERATIN_PLUGIN_EXPORT void log_message(
    LogChannel channel, const std::string& text);

/// Shows the channels named, besides the warnings, instead of KERATIN_LOG's.
/// An unknown name is a warning.
void set_log_channels(const std::vector<std::string>& names);

struct LogLine {
  LogChannel channel;
  std::string text;
};

/// Tests: collects what would be shown for the time of a scope, from all
/// threads, and shows the channels given besides the warnings.
class LogCapture {
 public:
  explicit LogCapture(const std::vector<std::string>& channels = {});
  ~LogCapture();
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;

  std::vector<LogLine> lines() const;

  /// True when some line has the text in it.
  bool contains(std::string_view text) const;

 private:
  friend void log_message(LogChannel channel, const std::string& text);

  std::vector<LogLine> lines_;
  LogCapture* outer_;
  std::uint32_t channels_before_;
};

}  // namespace keratin

/// KERATIN_LOG(dispatch, "{} won", name): the arguments are evaluated only when
/// the channel is shown.
#define KERATIN_LOG(channel, ...)                                          \
  do {                                                                     \
    if (::keratin::log_enabled(::keratin::LogChannel::channel)) {          \
      ::keratin::log_message(                                              \
          ::keratin::LogChannel::channel, ::keratin::format(__VA_ARGS__)); \
    }                                                                      \
  } while (false)
