#include "layers/text/strings.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>

#include <keratin/error.hpp>

#include "src/core/format.hpp"

namespace keratin::text {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

/// std::isspace and friends depend on the locale.
bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

bool is_punctuation(char c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') ||
         (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

/// Bytes of the first code point of `text`; `valid` false for a malformed
/// sequence, of which the longest part that could have begun a character is
/// taken (Unicode 3.9, U+FFFD substitution of maximal subparts).
std::size_t first_character(std::string_view text, bool& valid) {
  const auto byte = [&](std::size_t at) {
    return static_cast<unsigned char>(text[at]);
  };
  const unsigned char lead = byte(0);
  valid = true;
  if (lead < 0x80) return 1;
  std::size_t size = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    size = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    size = 3;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;  // no surrogates
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    size = 4;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    valid = false;
    return 1;
  }
  for (std::size_t at = 1; at < size; ++at) {
    if (at >= text.size() || byte(at) < low || byte(at) > high) {
      valid = false;
      return at;
    }
    low = 0x80;
    high = 0xBF;
  }
  return size;
}

}  // namespace

void lower(std::string& text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
}

void strip_punctuation(std::string& text) {
  text.erase(
      std::remove_if(text.begin(), text.end(), is_punctuation), text.end());
}

void split_whitespace(
    std::string_view text, std::vector<std::string_view>& words) {
  words.clear();
  std::size_t at = 0;
  while (at < text.size()) {
    while (at < text.size() && is_space(text[at])) ++at;
    const std::size_t begin = at;
    while (at < text.size() && !is_space(text[at])) ++at;
    if (at > begin) words.push_back(text.substr(begin, at - begin));
  }
}

void split_characters(
    std::string_view text, std::vector<std::string_view>& characters) {
  characters.clear();
  while (!text.empty()) {
    bool valid = false;
    const std::size_t size = first_character(text, valid);
    characters.push_back(valid ? text.substr(0, size) : kReplacement);
    text.remove_prefix(size);
  }
}

std::vector<std::string> ngrams(
    const std::vector<std::string_view>& words,
    const std::vector<std::int64_t>& widths) {
  std::vector<std::string> out;
  for (const std::int64_t width : widths) {
    const auto count = static_cast<std::size_t>(width);
    for (std::size_t begin = 0; begin + count <= words.size(); ++begin) {
      std::string joined(words[begin]);
      for (std::size_t i = 1; i < count; ++i) {
        joined += ' ';
        joined += words[begin + i];
      }
      out.push_back(std::move(joined));
    }
  }
  return out;
}

Encoding parse_encoding(const std::string& name, const std::string& who) {
  // Python takes case, "-" and "_" as it likes.
  std::string plain;
  for (const char c : name) {
    if (c != '-' && c != '_' && c != ' ') {
      plain += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  if (plain == "utf8" || plain == "ascii" || plain == "usascii") {
    return Encoding::utf8;  // ASCII is a part of it
  }
  if (plain == "latin1" || plain == "iso88591") return Encoding::latin1;
  throw InvalidArgument(format(
      "{} expected the encoding utf-8, ascii or latin-1, got '{}'; recode the "
      "texts",
      who,
      name));
}

std::string decode(std::string_view bytes, Encoding encoding) {
  if (encoding == Encoding::utf8) return std::string(bytes);
  std::string out;
  for (const char c : bytes) {
    const auto code = static_cast<unsigned char>(c);
    if (code < 0x80) {
      out += c;
    } else {
      out += static_cast<char>(0xC0 | (code >> 6));
      out += static_cast<char>(0x80 | (code & 0x3F));
    }
  }
  return out;
}

std::string encode(
    std::string_view text, Encoding encoding, const std::string& who) {
  if (encoding == Encoding::utf8) return std::string(text);
  std::string out;
  while (!text.empty()) {
    bool valid = false;
    const std::size_t size = first_character(text, valid);
    const auto lead = static_cast<unsigned char>(text[0]);
    if (!valid || size > 2 || lead > 0xC3) {
      throw InvalidArgument(
          format("{} '{}' is not in the encoding latin-1", who, text));
    }
    out +=
        size == 1
            ? text[0]
            : static_cast<char>(
                  (lead << 6) | (static_cast<unsigned char>(text[1]) & 0x3F));
    text.remove_prefix(size);
  }
  return out;
}

}  // namespace keratin::text
