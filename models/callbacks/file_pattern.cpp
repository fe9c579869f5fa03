#include "models/callbacks/file_pattern.hpp"

#include <cmath>
#include <variant>

#include <keratin/config.hpp>
#include <keratin/error.hpp>

#include "src/core/format.hpp"

namespace keratin {

namespace {

using Number = std::variant<std::int64_t, double>;

[[noreturn]] void fail(const std::string& pattern, const std::string& why) {
  throw InvalidArgument(
      format("[ModelCheckpoint] filepath '{}': {}", pattern, why));
}

/// As Python's str().
std::string plain(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  return Config(value).dump();
}

std::string by_spec(const std::string& spec, const auto& value) {
  return fmt::format(fmt::runtime("{:" + spec + "}"), value);
}

/// Python's type "%", which fmt lacks: "6.1%".
std::string percent(double value, const std::string& spec) {
  // [[fill]align][sign][0][width][.precision]%
  std::size_t at = 0;
  const auto is_align = [&](std::size_t i) {
    return i < spec.size() &&
           std::string_view("<>^").find(spec[i]) != std::string_view::npos;
  };
  if (is_align(1)) {
    at = 2;
  } else if (is_align(0)) {
    at = 1;
  }
  const std::string align = at == 0 ? ">" : spec.substr(0, at);
  const std::size_t sign_end = spec.find_first_not_of("+- ", at);
  const std::string sign = spec.substr(at, sign_end - at);
  const std::size_t width_end = spec.find_first_not_of("0123456789", sign_end);
  std::string width = spec.substr(sign_end, width_end - sign_end);
  const std::string precision =
      spec.substr(width_end, spec.size() - 1 - width_end);
  const std::string text = by_spec(sign + precision + "f", value * 100) + "%";
  if (width.empty()) return text;
  if (width[0] != '0') return by_spec(align + width, text);
  const int room = std::stoi(width) - 1;  // of zeros behind the sign
  return by_spec(
             sign + "0" + std::to_string(room) + precision + "f", value * 100) +
         "%";
}

/// A value by Python's format specification, of which fmt's is a copy but for
/// "%" and for floating-point forms of integers.
std::string formatted(
    const std::string& pattern, const Number& value, const std::string& spec) {
  const bool is_int = std::holds_alternative<std::int64_t>(value);
  const double number = is_int
                            ? static_cast<double>(std::get<std::int64_t>(value))
                            : std::get<double>(value);
  const char type = spec.empty() ? 'd' : spec.back();
  try {
    if (type == '%') return percent(number, spec);
    const bool floating =
        std::string_view("eEfFgG").find(type) != std::string_view::npos;
    if (is_int && !floating)
      return by_spec(spec, std::get<std::int64_t>(value));
    return spec.empty() ? plain(number) : by_spec(spec, number);
  } catch (const std::exception& error) {
    fail(
        pattern,
        format("cannot format {} with ':{}': {}", number, spec, error.what()));
  }
}

Number value_of(
    const std::string& pattern,
    const std::string& name,
    std::int64_t epoch,
    std::optional<std::int64_t> batch,
    const Logs& logs) {
  if (name == "epoch") return epoch;
  if (name == "batch" && batch) return *batch;
  if (const std::optional<double> value = logs.find(name)) return *value;
  std::string names = batch ? "epoch, batch" : "epoch";
  for (const auto& [known, value] : logs.entries()) names += ", " + known;
  fail(pattern, format("nothing is called '{}'; there is {}", name, names));
}

}  // namespace

std::string file_name_of(
    const std::string& pattern,
    std::int64_t epoch,
    std::optional<std::int64_t> batch,
    const Logs& logs) {
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c != '{' && c != '}') {
      out += c;
      continue;
    }
    if (i + 1 < pattern.size() && pattern[i + 1] == c) {  // {{ and }}
      out += c;
      ++i;
      continue;
    }
    const std::size_t end = pattern.find('}', i);
    if (c == '}' || end == std::string::npos) {
      fail(pattern, format("'{}' at {} stands alone", c, i));
    }
    const std::string field = pattern.substr(i + 1, end - i - 1);
    const std::size_t colon = field.find(':');
    const std::string spec =
        colon == std::string::npos ? "" : field.substr(colon + 1);
    out += formatted(
        pattern,
        value_of(pattern, field.substr(0, colon), epoch, batch, logs),
        spec);
    i = end;
  }
  return out;
}

}  // namespace keratin
