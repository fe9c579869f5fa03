#include <algorithm>
#include <cstring>
#include <set>

#include <keratin/error.hpp>
#include <keratin/io/csv_reader.hpp>

#include "src/core/format.hpp"
#include "src/io/bytes.hpp"
#include "src/io/csv_parser.hpp"
#include "src/io/file_stream.hpp"
#include "src/io/mapped_file.hpp"

namespace keratin::io {
namespace {

constexpr std::size_t kBuffer = 256 << 10;
constexpr std::size_t kLongestField = 64 << 20;

}  // namespace

struct CsvReader::Impl {
  Impl(const std::string& path, const CsvOptions& options)
      : source(base_name(path)), file(path), delimiter(options.delimiter) {
    missing.insert(options.missing.begin(), options.missing.end());
    check_delimiter(delimiter, source);
    have(3);
    if (std::string_view(buffer).starts_with("\xef\xbb\xbf")) at = 3;
    if (delimiter == '\0') {
      have(kBuffer);  // or all
      delimiter = guess_delimiter(std::string_view(buffer).substr(at));
    }
    std::vector<std::string> first;
    if (!split(first)) {
      throw InvalidArgument(
          format("[{}] line 1: expected at least one line, got none", source));
    }
    if (options.header) {
      for (const std::string& name : first) {
        names.emplace_back(trimmed(name));
      }
      check_names();
    } else {
      for (std::size_t i = 0; i < first.size(); ++i) {
        names.push_back(format("{}", i));
      }
      kept = std::move(first);
    }
  }

  void check_names() const {
    std::set<std::string_view> seen;
    for (const std::string& name : names) {
      if (seen.insert(name).second) continue;
      throw InvalidArgument(format(
          "[{}] line {}: two columns are called {}",
          source,
          begin,
          quoted(name)));
    }
  }

  [[noreturn]] void fail(std::int64_t where, const std::string& what) {
    throw InvalidArgument(format("[{}] line {}: {}", source, where, what));
  }

  /// Nothing that follows could be told apart.
  [[noreturn]] void end(std::int64_t where, const std::string& what) {
    ended = true;
    fail(where, what);
  }

  /// Whether `count` more bytes are there; reads what is missing.
  bool have(std::size_t count) {
    while (buffer.size() - at < count && !file_ended) {
      buffer.erase(0, at);
      at = 0;
      const std::size_t before = buffer.size();
      buffer.resize(before + kBuffer);
      const std::size_t got =
          file.read({reinterpret_cast<std::byte*>(&buffer[before]), kBuffer});
      buffer.resize(before + got);
      file_ended = got < kBuffer;
    }
    return buffer.size() - at >= count;
  }

  bool at_line_end() {
    return buffer[at] == '\n' ||
           (buffer[at] == '\r' && have(2) && buffer[at + 1] == '\n');
  }

  bool end_of_line() {
    if (!at_line_end()) return false;
    at += buffer[at] == '\r' ? 2 : 1;
    ++line;
    return true;
  }

  void append(std::string& out, std::size_t count) {
    if (out.size() + count > kLongestField) {
      end(begin, "a field of more than 64 MiB; is a quote never closed?");
    }
    out.append(buffer, at, count);
    at += count;
  }

  void field(std::string& out) {
    out.clear();
    if (have(1) && buffer[at] == '"') {
      quoted_field(out);
      return;
    }
    while (have(1)) {
      std::size_t stop = at;
      while (stop < buffer.size() && buffer[stop] != delimiter &&
             buffer[stop] != '\n' && buffer[stop] != '\r') {
        ++stop;
      }
      append(out, stop - at);
      if (!have(1)) return;
      if (buffer[at] == delimiter || at_line_end()) return;
      append(out, 1);  // a '\r' alone, or the buffer came to its end
    }
  }

  void quoted_field(std::string& out) {
    const std::int64_t where = line;
    ++at;
    while (true) {
      if (!have(1)) end(where, "a quoted field never ends");
      const char* const from = buffer.data() + at;
      const auto* quote =
          static_cast<const char*>(std::memchr(from, '"', buffer.size() - at));
      const std::size_t count = quote != nullptr
                                    ? static_cast<std::size_t>(quote - from)
                                    : buffer.size() - at;
      line += std::count(from, from + count, '\n');
      append(out, count);
      if (quote == nullptr) continue;
      ++at;
      if (!have(1) || buffer[at] != '"') break;
      append(out, 1);  // a doubled quote is one
    }
    if (have(1) && buffer[at] != delimiter && !at_line_end()) {
      end(line,
          format(
              "expected '{}' after a quoted field, got {}",
              delimiter,
              quoted(std::string_view(buffer).substr(at, 1))));
    }
  }

  /// The fields of the next line that is not empty.
  bool split(std::vector<std::string>& fields) {
    if (ended) return false;
    while (have(1) && end_of_line()) {
    }
    if (!have(1)) {
      ended = true;
      return false;
    }
    begin = line;
    std::size_t count = 0;
    while (true) {
      if (count == fields.size()) fields.emplace_back();
      field(fields[count++]);
      if (!have(1) || end_of_line()) break;
      ++at;  // the delimiter
    }
    fields.resize(count);
    return true;
  }

  std::string source;
  FileStream file;
  char delimiter;
  std::set<std::string, std::less<>> missing;
  std::vector<std::string> names;
  std::vector<std::string> kept;  // the first line of a file without names
  std::string buffer;
  std::size_t at = 0;  // in the buffer
  std::int64_t line = 1;
  std::int64_t begin = 1;
  bool file_ended = false;
  bool ended = false;
  bool begun = false;
};

CsvReader::CsvReader(const std::string& path, const CsvOptions& options)
    : impl_(std::make_unique<Impl>(path, options)) {}

CsvReader::~CsvReader() = default;
CsvReader::CsvReader(CsvReader&&) noexcept = default;
CsvReader& CsvReader::operator=(CsvReader&&) noexcept = default;

const std::vector<std::string>& CsvReader::columns() const {
  return impl_->names;
}

std::int64_t CsvReader::line() const {
  return impl_->begin;
}

bool CsvReader::is_missing(const std::string& field) const {
  return impl_->missing.contains(trimmed(field));
}

bool CsvReader::next(std::vector<std::string>& fields) {
  Impl& impl = *impl_;
  const bool first = !std::exchange(impl.begun, true);
  if (first && !impl.kept.empty()) {
    fields = std::move(impl.kept);
    return true;
  }
  if (!impl.split(fields)) return false;
  // Some writers end the line of names with a delimiter.
  std::vector<std::string>& names = impl.names;
  if (first && fields.size() + 1 == names.size() && names.back().empty()) {
    names.pop_back();
  }
  if (fields.size() != names.size()) {
    impl.fail(
        impl.begin,
        format("expected {} fields, got {}", names.size(), fields.size()));
  }
  return true;
}

}  // namespace keratin::io
