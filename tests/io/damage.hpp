#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace keratin::testing {

struct Damage {
  int accepted = 0;
  int refused = 0;
};

/// Memory that a reader may take for a file of `size` bytes: ten times as much,
/// and some for messages.
inline std::uint64_t ten_times(std::uint64_t size) {
  return 10 * size + 4096;
}

/// The same for readers whose libraries have tables of their own.
inline std::uint64_t ten_times_and_tables(std::uint64_t size) {
  return ten_times(size) + (std::uint64_t{64} << 10);
}

/// Feeds `read` with a file cut at every 1 % and with 2,000 in which 1 to 3
/// bytes are others, half of the time near the beginning, where the structures
/// are. Whatever it is, it must be read or refused with an InvalidArgument of
/// one line, soon, within `limit` bytes of memory for a file of a size.
Damage damage(
    const std::string& good,
    const std::function<void(const std::string&)>& read,
    const std::function<std::uint64_t(std::uint64_t)>& limit = ten_times);

/// Checks that files were accepted, and that most damage was seen.
void check_both(const Damage& outcome);

}  // namespace keratin::testing
