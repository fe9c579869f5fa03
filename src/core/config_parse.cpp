#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>
#include <numeric>

#include <keratin/config.hpp>
#include <keratin/error.hpp>

#include "src/core/format.hpp"

namespace keratin {

namespace {

constexpr std::size_t kMaxDepth = 512;

// What the values of a text may take in memory: so many times the text, and
// some room for short ones. Real configs take five times their text.
constexpr std::size_t kMaxGrowth = 10;
constexpr std::size_t kRoomBytes = 1U << 20;

// "line 3, column 7" of a byte; columns count bytes from one.
std::string position(std::string_view text, std::size_t at) {
  const std::string_view before = text.substr(0, std::min(at, text.size()));
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const std::size_t start = before.rfind('\n');
  const std::size_t column =
      start == std::string_view::npos ? at : at - start - 1;
  return keratin::format("line {}, column {}", lines + 1, column + 1);
}

// Python writes NaN, Infinity and -Infinity, which JSON lacks and the parser
// refuses. Each is replaced by a number of the same length, so that positions
// stay, and its place among all numbers of the text is remembered.
struct Prepared {
  std::string text;
  std::vector<std::pair<std::size_t, double>> special;  // number's place, value
};

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

Prepared prepare(std::string_view text) {
  Prepared out{std::string(text), {}};
  std::string& s = out.text;
  std::size_t numbers = 0;
  const auto word_at = [&](std::size_t i, std::string_view word) {
    return text.substr(i, word.size()) == word &&
           (i + word.size() >= text.size() || !is_word(text[i + word.size()]));
  };
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '"') {
      for (++i; i < s.size() && s[i] != '"'; ++i) {
        if (s[i] == '\\') ++i;
      }
    } else if (s[i] == '-' || is_word(s[i])) {
      const std::size_t sign = s[i] == '-' ? 1 : 0;
      if (word_at(i + sign, "Infinity")) {
        const double infinity = std::numeric_limits<double>::infinity();
        out.special.emplace_back(numbers, sign == 1 ? -infinity : infinity);
        s.replace(i + sign, 8, "1.000000");
      } else if (word_at(i, "NaN")) {
        out.special.emplace_back(
            numbers, std::numeric_limits<double>::quiet_NaN());
        s.replace(i, 3, "1.0");
      }
      const bool number =
          sign == 1 || std::isdigit(static_cast<unsigned char>(s[i])) != 0;
      if (number) ++numbers;
      // Over the rest of the token; "1e-5" is one, "." belongs to it.
      while (i + 1 < s.size() && (is_word(s[i + 1]) || s[i + 1] == '.' ||
                                  s[i + 1] == '-' || s[i + 1] == '+')) {
        ++i;
      }
    }
  }
  return out;
}

// Builds a Config from the parser's events; keeps the order of the keys.
class Builder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  Builder(const Prepared& prepared, std::string_view source)
      : prepared_(prepared),
        source_(source),
        limit_bytes_(kMaxGrowth * prepared.text.size() + kRoomBytes) {}

  Config result;

  bool null() override { return add(Config()); }

  bool boolean(bool value) override { return add(Config(value)); }

  bool number_integer(number_integer_t value) override {
    ++numbers_;
    return add(Config(static_cast<std::int64_t>(value)));
  }

  bool number_unsigned(number_unsigned_t value) override {
    ++numbers_;
    if (value > static_cast<number_unsigned_t>(
                    std::numeric_limits<std::int64_t>::max())) {
      too_large(std::to_string(value));
    }
    return add(Config(static_cast<std::int64_t>(value)));
  }

  bool number_float(number_float_t value, const string_t& text) override {
    const std::size_t place = numbers_++;
    // A whole number that fits no 64 bits arrives here.
    if (text.find_first_of(".eE") == std::string::npos) too_large(text);
    if (special_ < prepared_.special.size() &&
        prepared_.special[special_].first == place) {
      value = prepared_.special[special_++].second;
    }
    return add(Config(value));
  }

  bool string(string_t& value) override {
    take(heap_bytes(value));
    return add(Config(std::move(value)));
  }

  bool binary(binary_t&) override { return false; }  // not in text

  bool start_object(std::size_t) override {
    return open(Config(Config::Object{}));
  }

  bool key(string_t& name) override {
    take(sizeof(string_t) + heap_bytes(name));
    keys_.back() = std::move(name);
    return true;
  }

  bool end_object() override {
    keep_last(stack_.back().as_object());
    return close();
  }

  bool start_array(std::size_t) override {
    return open(Config(Config::Array{}));
  }

  bool end_array() override { return close(); }

  bool parse_error(
      std::size_t at,
      const std::string&,
      const nlohmann::detail::exception& error) override {
    // "[json.exception...] parse error at line 1, column 2: syntax error while
    // parsing value - unexpected '}'; expected ..."
    std::string what = error.what();
    for (const char* prefix : {": ", "] "}) {
      const std::size_t found = what.find(prefix);
      if (found != std::string::npos) {
        what = what.substr(found + 2);
        break;
      }
    }
    throw InvalidArgument(keratin::format(
        "[{}] {}: expected valid JSON, got {}",
        source_,
        position(prepared_.text, at > 0 ? at - 1 : 0),
        what));
  }

 private:
  [[noreturn]] void too_large(const std::string& text) const {
    throw InvalidArgument(keratin::format(
        "[{}] expected whole numbers of at most 64 bits, got {}",
        source_,
        text));
  }

  // Short texts lie in the string itself.
  static std::size_t heap_bytes(const string_t& text) {
    return text.capacity() > string_t().capacity() ? text.capacity() + 1 : 0;
  }

  void take(std::size_t bytes) {
    taken_bytes_ += bytes;
    if (taken_bytes_ <= limit_bytes_) return;
    throw InvalidArgument(keratin::format(
        "[{}] expected values that take at most {} times their text's {} "
        "bytes, got more; leave out what is not needed",
        source_,
        kMaxGrowth,
        prepared_.text.size()));
  }

  // Of members with one key the last one wins, in the first one's place.
  static void keep_last(Config::Object& members) {
    std::vector<std::size_t> order(members.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) {
      return members[a].first < members[b].first;
    });
    std::vector<bool> dropped(members.size());
    bool any = false;
    for (std::size_t i = 0, first = 0; i < order.size(); ++i) {
      if (members[order[i]].first != members[order[first]].first) first = i;
      if (i == first) continue;
      members[order[first]].second = std::move(members[order[i]].second);
      dropped[order[i]] = true;
      any = true;
    }
    if (!any) return;
    std::size_t at = 0;
    std::erase_if(members, [&](const auto&) { return dropped[at++]; });
  }

  bool open(Config container) {
    if (stack_.size() >= kMaxDepth) {
      throw InvalidArgument(keratin::format(
          "[{}] expected at most {} nested levels, got more",
          source_,
          kMaxDepth));
    }
    stack_.push_back(std::move(container));
    keys_.emplace_back();
    return true;
  }

  bool close() {
    Config done = std::move(stack_.back());
    stack_.pop_back();
    keys_.pop_back();
    return add(std::move(done));
  }

  bool add(Config value) {
    take(sizeof(Config));
    if (stack_.empty()) {
      result = std::move(value);
    } else if (stack_.back().is_array()) {
      stack_.back().push_back(std::move(value));
    } else {
      stack_.back().as_object().emplace_back(
          std::move(keys_.back()), std::move(value));
    }
    return true;
  }

  const Prepared& prepared_;
  std::string source_;
  std::size_t limit_bytes_;
  std::size_t taken_bytes_ = 0;
  std::vector<Config> stack_;      // the open containers
  std::vector<std::string> keys_;  // for each, the key read last
  std::size_t numbers_ = 0;
  std::size_t special_ = 0;
};

}  // namespace

Config Config::parse(std::string_view text, std::string_view source) {
  const Prepared prepared = prepare(text);
  Builder builder(prepared, source);
  nlohmann::json::sax_parse(prepared.text, &builder);
  return std::move(builder.result);
}

}  // namespace keratin
