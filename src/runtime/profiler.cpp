#include "src/runtime/profiler.hpp"

#include <atomic>
#include <exception>
#include <iostream>

#include "src/core/format.hpp"

namespace keratin {

namespace {

std::atomic<std::ostream*> profile_stream{nullptr};

// Shapes hold commas and layer names may hold anything.
std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

}  // namespace

void set_profile_stream(std::ostream* out) {
  profile_stream = out;
}

Profiler::~Profiler() {
  try {
    std::ostream* out = profile_stream;
    write(out != nullptr ? *out : std::cerr);
  } catch (const std::exception&) {
    // A destructor must not throw, and a lost profile harms nobody.
  }
}

void Profiler::write(std::ostream& out) const {
  std::string text = "name,kernel,shapes,ms,bytes,layer,calls\n";
  for (const ProfileRow& row : rows_) {
    if (row.calls == 0) continue;
    const double ms = static_cast<double>(row.nanoseconds) / 1e6 /
                      static_cast<double>(row.calls);
    text += keratin::format(
        "{},{},{},{:.4f},{},{},{}\n",
        quoted(program_ + "/" + row.node),
        row.kernel,
        quoted(row.shapes),
        ms,
        row.bytes,
        quoted(row.layer),
        row.calls);
  }
  out << text << std::flush;
}

}  // namespace keratin
