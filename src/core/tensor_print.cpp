// Prints as NumPy's arrayprint does with its default options (precision 8,
// threshold 1000, edgeitems 3, linewidth 75, floatmode "maxprec").

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include <keratin/tensor.hpp>

#include "src/core/number_print.hpp"
#include "src/core/visit.hpp"

namespace keratin {

namespace {

constexpr std::int64_t kThreshold = 1000;
constexpr std::int64_t kEdgeItems = 3;
constexpr std::size_t kLineWidth = 75;

// Code points, not bytes: what a terminal shows.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
      }));
}

// Python's repr of a string.
std::string quoted(const std::string& text) {
  const char quote = text.find('\'') != std::string::npos &&
                             text.find('"') == std::string::npos
                         ? '"'
                         : '\'';
  std::string out(1, quote);
  for (char c : text) {
    if (c == quote || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += keratin::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + quote;
}

class Printer {
 public:
  explicit Printer(const Tensor& tensor)
      : shape_(tensor.shape()),
        strides_(shape_.strides()),
        summary_(tensor.size() > kThreshold) {
    collect(0, 0);
    if (tensor.dtype() == DType::string) {
      format_strings(tensor.data<std::string>());
    } else {
      visit_dtype(tensor.dtype(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        format_numbers(tensor.data<T>());
      });
    }
  }

  std::string text() { return axis_text(0, " ", kLineWidth); }

 private:
  bool summarised(std::size_t axis) const {
    return summary_ && shape_[axis] > 2 * kEdgeItems;
  }

  // Calls f for the indices of an axis that are shown, and gap() between the
  // two edges.
  template <class F, class Gap>
  void each_shown(std::size_t axis, const F& f, const Gap& gap) const {
    const std::int64_t n = shape_[axis];
    if (!summarised(axis)) {
      for (std::int64_t i = 0; i < n; ++i) f(i);
      return;
    }
    for (std::int64_t i = 0; i < kEdgeItems; ++i) f(i);
    gap();
    for (std::int64_t i = n - kEdgeItems; i < n; ++i) f(i);
  }

  void collect(std::size_t axis, std::int64_t offset) {
    if (axis == shape_.rank()) {
      shown_.push_back(offset);
      return;
    }
    each_shown(
        axis,
        [&](std::int64_t i) { collect(axis + 1, offset + i * strides_[axis]); },
        [] {});
  }

  void format_strings(std::span<const std::string> data) {
    for (std::int64_t at : shown_) {
      words_.push_back(quoted(data[static_cast<std::size_t>(at)]));
    }
  }

  template <class T>
  void format_numbers(std::span<const T> data) {
    std::vector<T> values;
    for (std::int64_t at : shown_) {
      values.push_back(data[static_cast<std::size_t>(at)]);
    }
    if constexpr (kIsFloating<T>) {
      words_ = numpy_floats(values);
    } else {
      for (T value : values) {
        if constexpr (std::is_same_v<T, bool>) {
          words_.push_back(value ? " True" : "False");
        } else {
          words_.push_back(std::to_string(value));
        }
      }
      pad_left();
    }
  }

  void pad_left() {
    std::size_t widest = 0;
    for (const std::string& word : words_) {
      widest = std::max(widest, width(word));
    }
    for (std::string& word : words_) {
      word.insert(0, widest - width(word), ' ');
    }
  }

  std::string axis_text(
      std::size_t axis, const std::string& indent, std::size_t room) {
    std::string s = axis + 1 == shape_.rank() ? row(axis, indent, room)
                                              : rows(axis, indent, room);
    return "[" + s.substr(indent.size()) + "]";
  }

  // The innermost axis: words that wrap.
  std::string row(
      std::size_t axis, const std::string& indent, std::size_t room) {
    const std::size_t word_room = room - 1;  // for the closing bracket
    std::string s;
    std::string line = indent;
    bool first = true;
    const auto extend = [&](const std::string& word) {
      if (!first) line += ' ';
      first = false;
      if (width(line) + width(word) > word_room &&
          line.size() > indent.size()) {
        s += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
        line = indent;
      }
      line += word;
    };
    each_shown(
        axis,
        [&](std::int64_t) { extend(words_[next_++]); },
        [&] { extend("..."); });
    return s + line;
  }

  std::string rows(
      std::size_t axis, const std::string& indent, std::size_t room) {
    const std::string separator(shape_.rank() - axis - 1, '\n');
    std::string s;
    bool first = true;
    const auto add = [&](const std::string& item) {
      if (!first) s += separator;
      first = false;
      s += indent + item;
    };
    each_shown(
        axis,
        [&](std::int64_t) { add(axis_text(axis + 1, indent + " ", room - 1)); },
        [&] { add("..."); });
    return s;
  }

  const Shape& shape_;
  std::vector<std::int64_t> strides_;
  bool summary_;
  std::vector<std::int64_t> shown_;  // offsets, in the order of printing
  std::vector<std::string> words_;   // their texts; numbers all of one width
  std::size_t next_ = 0;             // word to print next
};

std::string scalar_text(const Tensor& tensor) {
  if (tensor.dtype() == DType::string) return tensor.data<std::string>()[0];
  return visit_dtype(tensor.dtype(), [&](auto tag) -> std::string {
    using T = typename decltype(tag)::type;
    const T value = tensor.data<T>()[0];
    if constexpr (kIsFloating<T>) {
      return numpy_scalar(value);
    } else if constexpr (std::is_same_v<T, bool>) {
      return value ? "True" : "False";
    } else {
      return std::to_string(value);
    }
  });
}

}  // namespace

std::string Tensor::str() const {
  if (size_ == 0) return "[]";
  if (rank() == 0) return scalar_text(*this);
  return Printer(*this).text();
}

}  // namespace keratin
