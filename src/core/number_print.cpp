#include "src/core/number_print.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>

#include "src/core/visit.hpp"

namespace keratin {

namespace {

constexpr int kPrecision = 8;

// The digits of a number and where its point is: 0.d1d2d3... * 10^exponent.
struct Digits {
  bool negative = false;
  std::string digits;  // no leading zeros; "" for zero
  int exponent = 0;
};

// From "-1.25e-07", as printf and to_chars write it.
Digits from_scientific(const std::string& text) {
  Digits out;
  std::size_t i = 0;
  if (text[0] == '-') {
    out.negative = true;
    i = 1;
  }
  const std::size_t e = text.find('e');
  for (; i < e; ++i) {
    if (text[i] != '.') out.digits += text[i];
  }
  out.exponent = std::stoi(text.substr(e + 1)) + 1;
  const std::size_t last = out.digits.find_last_not_of('0');
  out.digits.resize(last == std::string::npos ? 0 : last + 1);
  if (out.digits.empty()) out.exponent = 1;
  return out;
}

std::string print_scientific(double value, int precision) {
  return keratin::format("{:.{}e}", value, precision);
}

// The shortest digits that read back as the same value of the same type.
template <class T>
Digits shortest(T value) {
  if constexpr (std::is_same_v<T, Float16>) {
    // to_chars knows no half: the first precision that reads back.
    const double wide = static_cast<float>(value);
    for (int precision = 0;; ++precision) {
      const std::string text = print_scientific(wide, precision);
      if (precision >= 8 || convert_element<Float16>(
                                std::strtod(text.c_str(), nullptr)) == value) {
        return from_scientific(text);
      }
    }
  } else if constexpr (std::is_same_v<T, BFloat16>) {
    return shortest(static_cast<float>(value));
  } else {
    char buffer[64];
    const auto end = std::to_chars(
                         buffer,
                         buffer + sizeof(buffer),
                         value,
                         std::chars_format::scientific)
                         .ptr;
    return from_scientific(std::string(buffer, end));
  }
}

// At most `kept` digits after the first, rounded from the exact value.
template <class T>
Digits cut_scientific(T value, int kept) {
  Digits digits = shortest(value);
  if (static_cast<int>(digits.digits.size()) > kept + 1) {
    digits =
        from_scientific(print_scientific(convert_element<double>(value), kept));
  }
  return digits;
}

// At most `kept` digits after the point, rounded from the exact value.
template <class T>
Digits cut_positional(T value, int kept) {
  Digits digits = shortest(value);
  const int after = static_cast<int>(digits.digits.size()) - digits.exponent;
  if (after > kept) {
    const std::string text =
        keratin::format("{:.{}f}", convert_element<double>(value), kept);
    const bool negative = text[0] == '-';
    const std::size_t point = text.find('.');
    std::string all = text.substr(negative ? 1 : 0);
    digits.negative = negative;
    digits.exponent = static_cast<int>(point) - (negative ? 1 : 0);
    all.erase(static_cast<std::size_t>(digits.exponent), 1);
    const std::size_t zeros = std::min(all.find_first_not_of('0'), all.size());
    digits.exponent -= static_cast<int>(zeros);
    digits.digits = all.substr(zeros);
    const std::size_t last = digits.digits.find_last_not_of('0');
    digits.digits.resize(last == std::string::npos ? 0 : last + 1);
    if (digits.digits.empty()) digits.exponent = 1;
  }
  return digits;
}

// From here on NumPy (since 2.3) prefers exponents: 10^digits of the type.
template <class T>
constexpr double kPositionalEnd = std::is_same_v<T, Float16> ? 1e3 : 1e6;
template <>
constexpr double kPositionalEnd<double> = 1e8;

struct Parts {
  std::string whole;     // with the sign
  std::string fraction;  // without trailing zeros
  std::string exponent;  // "-05", at least two digits; only scientific
};

Parts positional(const Digits& d) {
  Parts parts;
  parts.whole = d.negative ? "-" : "";
  if (d.exponent <= 0) {
    parts.whole += '0';
    parts.fraction =
        std::string(static_cast<std::size_t>(-d.exponent), '0') + d.digits;
    return parts;
  }
  std::string digits = d.digits;
  const auto whole = static_cast<std::size_t>(d.exponent);
  if (digits.size() < whole) digits.resize(whole, '0');
  parts.whole += digits.substr(0, whole);
  parts.fraction = digits.substr(whole);
  return parts;
}

Parts scientific(const Digits& d) {
  Parts parts;
  parts.whole = d.negative ? "-" : "";
  parts.whole += d.digits.empty() ? '0' : d.digits[0];
  if (d.digits.size() > 1) parts.fraction = d.digits.substr(1);
  parts.exponent = keratin::format("{:+03d}", d.exponent - 1);
  return parts;
}

// Arithmetic in the array's own type, as NumPy compares: float16 overflows.
template <class T>
bool wants_exponents(const std::vector<T>& values) {
  using Wide = std::conditional_t<std::is_same_v<T, double>, double, float>;
  Wide largest = 0;
  Wide smallest = std::numeric_limits<Wide>::infinity();
  for (T value : values) {
    const Wide magnitude = std::fabs(static_cast<Wide>(value));
    if (!std::isfinite(magnitude) || magnitude == 0) continue;
    largest = std::max(largest, magnitude);
    smallest = std::min(smallest, magnitude);
  }
  if (largest == 0) return false;
  const auto least =
      static_cast<Wide>(convert_element<T>(static_cast<double>(0.0001)));
  const auto ratio = static_cast<Wide>(convert_element<T>(largest / smallest));
  return largest >= static_cast<Wide>(kPositionalEnd<T>) || smallest < least ||
         ratio > static_cast<Wide>(1000);
}

}  // namespace

template <class T>
std::vector<std::string> numpy_floats(const std::vector<T>& values) {
  const bool exponents = wants_exponents(values);
  std::vector<Parts> all;
  std::size_t left = 0;
  std::size_t right = 0;  // widest fraction
  std::size_t exponent_width = 0;
  for (T value : values) {
    Parts parts;
    if (std::isfinite(convert_element<double>(value))) {
      parts = exponents ? scientific(cut_scientific(value, kPrecision))
                        : positional(cut_positional(value, kPrecision));
      left = std::max(left, parts.whole.size());
      right = std::max(right, parts.fraction.size());
      exponent_width = std::max(exponent_width, parts.exponent.size());
    }
    all.push_back(std::move(parts));
  }
  if (exponents) {
    // Exact digits up to the widest fraction, past what reads back uniquely.
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (all[i].whole.empty()) continue;
      const auto wide = convert_element<double>(values[i]);
      const int kept = static_cast<int>(right);
      all[i] = scientific(from_scientific(print_scientific(wide, kept)));
    }
  }
  // After the point, the exponent's "e-05" included.
  const std::size_t tail = right + (exponents ? exponent_width + 1 : 0);
  const bool finite = left > 0;
  // Words for what is not finite may need more room on the left.
  for (T value : values) {
    const auto wide = convert_element<double>(value);
    if (std::isfinite(wide)) continue;
    const std::size_t length = wide < 0 ? 4 : 3;
    const std::size_t have = tail + (finite ? 1 : 0);
    if (length > have) left = std::max(left, length - have);
  }
  std::vector<std::string> words;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto wide = convert_element<double>(values[i]);
    std::string word;
    if (std::isfinite(wide)) {
      const Parts& parts = all[i];
      word = std::string(left - parts.whole.size(), ' ') + parts.whole + "." +
             parts.fraction;
      if (exponents) {
        word.append(right - parts.fraction.size(), '0');
        std::string exponent = parts.exponent;
        exponent.insert(1, exponent_width - exponent.size(), '0');
        word += "e" + exponent;
      } else {
        word.append(right - parts.fraction.size(), ' ');
      }
    } else {
      word = std::isnan(wide) ? "nan" : wide < 0 ? "-inf" : "inf";
      const std::size_t full = left + tail + (finite ? 1 : 0);
      word.insert(0, full - std::min(full, word.size()), ' ');
    }
    words.push_back(std::move(word));
  }
  return words;
}

template <class T>
std::string numpy_scalar(T value) {
  const auto wide = convert_element<double>(value);
  if (std::isnan(wide)) return "nan";
  if (std::isinf(wide)) return wide < 0 ? "-inf" : "inf";
  Digits digits = shortest(value);
  digits.negative = std::signbit(wide);
  const double magnitude = std::fabs(wide);
  // A scalar double gets Python's range.
  const double end = std::is_same_v<T, double> ? 1e16 : kPositionalEnd<T>;
  if (wide == 0 || (magnitude >= 1e-4 && magnitude < end)) {
    const Parts parts = positional(digits);
    return parts.whole + "." + (parts.fraction.empty() ? "0" : parts.fraction);
  }
  const Parts parts = scientific(digits);
  return parts.whole + (parts.fraction.empty() ? "" : "." + parts.fraction) +
         "e" + parts.exponent;
}

template std::vector<std::string> numpy_floats(const std::vector<float>&);
template std::vector<std::string> numpy_floats(const std::vector<double>&);
template std::vector<std::string> numpy_floats(const std::vector<Float16>&);
template std::vector<std::string> numpy_floats(const std::vector<BFloat16>&);
template std::string numpy_scalar(float);
template std::string numpy_scalar(double);
template std::string numpy_scalar(Float16);
template std::string numpy_scalar(BFloat16);

}  // namespace keratin
