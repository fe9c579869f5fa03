#include "src/io/csv_parser.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/io/bytes.hpp"

namespace keratin::io {

char guess_delimiter(std::string_view text) {
  const auto line = text.substr(0, text.find('\n'));
  char best = ',';
  auto most = std::count(line.begin(), line.end(), best);
  for (const char candidate : {';', '\t', '|'}) {
    const auto count = std::count(line.begin(), line.end(), candidate);
    if (count > most) {
      best = candidate;
      most = count;
    }
  }
  return best;
}

void check_delimiter(char delimiter, const std::string& source) {
  if (delimiter != '"' && delimiter != '\n' && delimiter != '\r') return;
  throw InvalidArgument(format(
      "[{}] expected a delimiter that is neither a quote nor a line break",
      source));
}

namespace {

/// Walks over the text once. Quoted fields are unescaped in place, as they only
/// ever get shorter.
class Splitter {
 public:
  Splitter(std::string& text, char delimiter, const std::string& source)
      : text_(text), delimiter_(delimiter), source_(source) {}

  void run(CsvCells& out) {
    if (text_.starts_with("\xef\xbb\xbf")) at_ = 3;  // a byte order mark
    while (at_ < text_.size()) {
      if (end_of_line()) continue;  // an empty line
      const std::int64_t line = line_;
      const std::size_t before = out.fields.size();
      while (true) {
        out.fields.push_back(field());
        if (at_ >= text_.size() || end_of_line()) break;
        ++at_;  // the delimiter
      }
      const std::size_t count = out.fields.size() - before;
      if (out.width == 0) out.width = count;
      // Some writers end the line of names with a delimiter.
      if (before == out.width && count + 1 == out.width &&
          out.fields[before - 1].empty()) {
        out.fields.erase(
            out.fields.begin() + static_cast<std::ptrdiff_t>(before - 1));
        out.width = count;
      }
      if (count != out.width) {
        fail(line, format("expected {} fields, got {}", out.width, count));
      }
      out.lines.push_back(line);
    }
    if (out.lines.empty()) fail(1, "expected at least one line, got none");
  }

 private:
  [[noreturn]] void fail(std::int64_t line, const std::string& what) const {
    throw InvalidArgument(format("[{}] line {}: {}", source_, line, what));
  }

  bool end_of_line() {
    if (text_[at_] == '\r' && at_ + 1 < text_.size() &&
        text_[at_ + 1] == '\n') {
      ++at_;
    }
    if (text_[at_] != '\n') return false;
    ++at_;
    ++line_;
    return true;
  }

  bool ends_field(std::size_t at) const {
    return at >= text_.size() || text_[at] == delimiter_ || text_[at] == '\n' ||
           (text_[at] == '\r' && at + 1 < text_.size() &&
            text_[at + 1] == '\n');
  }

  std::string_view field() {
    const std::size_t start = at_;
    if (at_ < text_.size() && text_[at_] == '"') return quoted_field();
    while (!ends_field(at_)) ++at_;
    return std::string_view(text_).substr(start, at_ - start);
  }

  std::string_view quoted_field() {
    const std::int64_t line = line_;
    const std::size_t start = ++at_;
    std::size_t to = start;
    while (true) {
      if (at_ >= text_.size()) fail(line, "a quoted field never ends");
      const char c = text_[at_++];
      if (c == '"') {
        if (at_ >= text_.size() || text_[at_] != '"') break;
        ++at_;  // a doubled quote is one
      }
      if (c == '\n') ++line_;
      text_[to++] = c;
    }
    if (!ends_field(at_)) {
      fail(
          line_,
          format(
              "expected '{}' after a quoted field, got {}",
              delimiter_,
              quoted(std::string_view(text_).substr(at_, 1))));
    }
    return std::string_view(text_).substr(start, to - start);
  }

  std::string& text_;
  char delimiter_;
  const std::string& source_;
  std::size_t at_ = 0;
  std::int64_t line_ = 1;
};

}  // namespace

CsvCells split_csv(
    std::string text, char delimiter, const std::string& source) {
  check_delimiter(delimiter, source);
  auto owned = std::make_shared<std::string>(std::move(text));
  if (delimiter == '\0') delimiter = guess_delimiter(*owned);
  CsvCells out;
  Splitter(*owned, delimiter, source).run(out);
  out.text = std::move(owned);
  return out;
}

std::string_view trimmed(std::string_view field) {
  constexpr std::string_view kBlank = " \t\r";
  const auto first = field.find_first_not_of(kBlank);
  if (first == field.npos) return {};
  return field.substr(first, field.find_last_not_of(kBlank) - first + 1);
}

std::optional<double> parse_number(std::string_view field) {
  field = trimmed(field);
  if (field.starts_with('+') && !field.starts_with("+-")) {
    field.remove_prefix(1);
  }
  // "nan" and "infinity" are left to the list of missing values.
  if (field.empty() ||
      (field.back() != '.' && (field.back() < '0' || field.back() > '9'))) {
    return std::nullopt;
  }
  double value = 0;
  const auto [stop, code] =
      std::from_chars(field.data(), field.data() + field.size(), value);
  if (stop != field.data() + field.size() ||
      code == std::errc::invalid_argument) {
    return std::nullopt;
  }
  if (code == std::errc::result_out_of_range) {
    return std::strtod(std::string(field).c_str(), nullptr);  // 0 or infinity
  }
  return value;
}

}  // namespace keratin::io
