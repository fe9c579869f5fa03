#include <cmath>
#include <cstdint>

#include <keratin/config.hpp>

#include "src/core/format.hpp"
#include "src/core/number_text.hpp"

namespace keratin {

namespace {

// As Python's json.dumps: NaN and Infinity are bare words, text is ASCII.
class Dumper {
 public:
  explicit Dumper(int indent) : indent_(indent) {}

  std::string text;

  void value(const Config& config) {
    if (config.is_null()) {
      text += "null";
    } else if (config.is_bool()) {
      text += config.as_bool() ? "true" : "false";
    } else if (config.is_int()) {
      text += std::to_string(config.as_int());
    } else if (config.is_number()) {
      number(config.as_number());
    } else if (config.is_string()) {
      string(config.as_string());
    } else if (config.is_array()) {
      list('[', ']', config.as_array(), [&](const Config& item) {
        value(item);
      });
    } else {
      list('{', '}', config.as_object(), [&](const Config::Member& member) {
        string(member.first);
        text += ": ";
        value(member.second);
      });
    }
  }

 private:
  template <class Items, class Write>
  void list(char open, char close, const Items& items, const Write& write) {
    text += open;
    ++depth_;
    bool first = true;
    for (const auto& item : items) {
      if (!first) text += indent_ < 0 ? ", " : ",";
      first = false;
      new_line();
      write(item);
    }
    --depth_;
    if (!items.empty()) new_line();
    text += close;
  }

  void new_line() {
    if (indent_ < 0) return;
    text += '\n';
    text.append(static_cast<std::size_t>(indent_) * depth_, ' ');
  }

  void number(double number) {
    if (std::isnan(number)) {
      text += "NaN";
    } else if (std::isinf(number)) {
      text += number < 0 ? "-Infinity" : "Infinity";
    } else {
      text += python_repr(number);
    }
  }

  void string(const std::string& s) {
    text += '"';
    for (std::size_t i = 0; i < s.size();) {
      const auto c = static_cast<unsigned char>(s[i]);
      if (c < 0x80) {
        ascii(s[i++]);
      } else {
        code_point(s, i);
      }
    }
    text += '"';
  }

  void ascii(char c) {
    switch (c) {
      case '"':
        text += "\\\"";
        break;
      case '\\':
        text += "\\\\";
        break;
      case '\n':
        text += "\\n";
        break;
      case '\r':
        text += "\\r";
        break;
      case '\t':
        text += "\\t";
        break;
      case '\b':
        text += "\\b";
        break;
      case '\f':
        text += "\\f";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          escape(static_cast<unsigned char>(c));
        } else {
          text += c;
        }
    }
  }

  // Decodes one UTF-8 sequence at s[i]; a broken byte becomes U+FFFD.
  void code_point(const std::string& s, std::size_t& i) {
    const auto lead = static_cast<unsigned char>(s[i]);
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    std::uint32_t code = lead & (0xffU >> (length + 1));
    bool good = lead >= 0xc2 && lead < 0xf5 && i + length <= s.size();
    for (std::size_t k = 1; good && k < length; ++k) {
      const auto next = static_cast<unsigned char>(s[i + k]);
      good = (next & 0xc0) == 0x80;
      code = (code << 6) | (next & 0x3f);
    }
    static constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
    if (!good || code < kLeast[length] || code > 0x10ffff ||
        (code >= 0xd800 && code < 0xe000)) {
      escape(0xfffd);
      ++i;
      return;
    }
    i += length;
    if (code >= 0x10000) {  // a surrogate pair
      escape(0xd800 + ((code - 0x10000) >> 10));
      escape(0xdc00 + ((code - 0x10000) & 0x3ff));
    } else {
      escape(code);
    }
  }

  void escape(std::uint32_t unit) {
    text += keratin::format("\\u{:04x}", unit);
  }

  int indent_;
  std::size_t depth_ = 0;
};

}  // namespace

std::string Config::dump(int indent) const {
  Dumper dumper(indent);
  dumper.value(*this);
  return std::move(dumper.text);
}

}  // namespace keratin
