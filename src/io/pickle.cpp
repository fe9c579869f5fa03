#include "src/io/pickle.hpp"

#include <charconv>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include <keratin/error.hpp>

#include "src/core/format.hpp"

namespace keratin::io {
namespace {

using Lists = std::vector<std::vector<std::int64_t>>;

enum class Kind { nothing, integer, text, sequence, name, array, dtype, mark };

struct Value;

/// A list or a tuple. One of integers alone, as most are, is kept as such.
struct Sequence {
  std::vector<std::int64_t> integers;
  std::vector<Value> values;  // of others
};

struct Value {
  Kind kind = Kind::nothing;
  std::int64_t integer = 0;
  std::shared_ptr<std::string> text;  // of a text or a name
  Sequence* sequence = nullptr;       // of a list, a tuple, or an array's rows
};

/// Runs a pickle's operations over a stack.
class Machine {
 public:
  Machine(Bytes pickle, std::string_view who)
      : reader_(pickle, who), size_(pickle.size()) {}

  Lists run() {
    while (true) {
      const std::uint8_t code = reader_.u8();
      if (code == '.') return result(pop());
      step(code);
    }
  }

 private:
  [[noreturn]] void fail(std::string_view what) const { reader_.fail(what); }

  Value pop() {
    if (stack_.empty()) fail("a pickle takes more than it has");
    Value value = std::move(stack_.back());
    stack_.pop_back();
    return value;
  }

  void push_integer(std::int64_t value) {
    stack_.push_back({Kind::integer, value});
  }

  void push_text(std::string_view text) {
    Value value{Kind::text};
    value.text = std::make_shared<std::string>(text);
    stack_.push_back(std::move(value));
  }

  void push_sequence(std::vector<Value> values) {
    Value value{Kind::sequence};
    sequences_.push_back(std::make_unique<Sequence>());
    value.sequence = sequences_.back().get();
    stack_.push_back(std::move(value));
    for (Value& item : values) append(*stack_.back().sequence, std::move(item));
  }

  void append(Sequence& to, Value value) const {
    if (value.kind == Kind::integer && to.values.empty()) {
      to.integers.push_back(value.integer);
      return;
    }
    for (const std::int64_t integer : to.integers) {
      to.values.push_back({Kind::integer, integer});
    }
    to.integers.clear();
    to.values.push_back(std::move(value));
  }

  /// What was pushed since the last mark.
  std::vector<Value> pop_to_mark() {
    std::size_t at = stack_.size();
    while (at > 0 && stack_[at - 1].kind != Kind::mark) --at;
    if (at == 0) fail("a pickle lacks a mark");
    std::vector<Value> values(
        std::make_move_iterator(
            stack_.begin() + static_cast<std::ptrdiff_t>(at)),
        std::make_move_iterator(stack_.end()));
    stack_.resize(at - 1);
    return values;
  }

  std::vector<Value> pop_some(std::size_t count) {
    std::vector<Value> values(count);
    while (count > 0) values[--count] = pop();
    return values;
  }

  Sequence& top_list() {
    if (stack_.empty() || stack_.back().kind != Kind::sequence) {
      fail("a pickle appends to what is no list");
    }
    return *stack_.back().sequence;
  }

  std::string_view line() {
    std::size_t length = 0;
    ByteReader ahead = reader_;
    while (ahead.u8() != '\n') ++length;
    const std::string_view text = reader_.take_text(length);
    reader_.skip(1);
    return text;
  }

  void remember(std::uint64_t key) {
    if (stack_.empty()) fail("a pickle remembers nothing");
    memo_[key] = stack_.back();
  }

  void recall(std::uint64_t key) {
    const auto found = memo_.find(key);
    if (found == memo_.end()) fail("a pickle recalls what it never had");
    stack_.push_back(found->second);
  }

  void push_name(const std::string& name) {
    static const std::vector<std::string> known = {
        "numpy.core.multiarray _reconstruct",
        "numpy._core.multiarray _reconstruct",
        "numpy ndarray",
        "numpy dtype"};
    for (const std::string& item : known) {
      if (name != item) continue;
      Value value{Kind::name};
      value.text = std::make_shared<std::string>(name);
      stack_.push_back(std::move(value));
      return;
    }
    fail(format(
        "expected a pickle of lists of integers, got one that calls {}",
        quoted(name)));
  }

  /// Calls what is known by its name.
  void reduce() {
    const Value arguments = pop();
    const Value function = pop();
    if (function.kind != Kind::name || arguments.kind != Kind::sequence) {
      fail("a pickle calls what is no function");
    }
    if (function.text->ends_with("_reconstruct")) {
      stack_.push_back({Kind::array});
    } else if (*function.text == "numpy dtype") {
      stack_.push_back({Kind::dtype});
    } else {
      fail("a pickle calls what is no function");
    }
  }

  /// Gives an object its state: (version, shape, dtype, order, rows).
  void build() {
    const Value state = pop();
    if (stack_.empty()) fail("a pickle builds nothing");
    Value& object = stack_.back();
    if (object.kind == Kind::dtype) return;
    const bool fits = object.kind == Kind::array &&
                      state.kind == Kind::sequence &&
                      state.sequence->values.size() == 5 &&
                      state.sequence->values[4].kind == Kind::sequence;
    if (!fits) fail("expected the rows of an array in a pickle");
    object.sequence = state.sequence->values[4].sequence;
  }

  void step(std::uint8_t code) {
    switch (code) {
      case 0x80:  // PROTO
        reader_.skip(1);
        return;
      case 0x95:  // FRAME
        reader_.skip(8);
        return;
      case '(':
        stack_.push_back({Kind::mark});
        return;
      case '0':
        pop();
        return;
      case '1':
        pop_to_mark();
        return;
      case 'N':
        stack_.push_back({});
        return;
      case 0x88:  // NEWTRUE
      case 0x89:  // NEWFALSE
        push_integer(code == 0x88 ? 1 : 0);
        return;
      case 'K':
        push_integer(reader_.u8());
        return;
      case 'M':
        push_integer(reader_.u16());
        return;
      case 'J':
        push_integer(static_cast<std::int32_t>(reader_.u32()));
        return;
      case 0x8a:  // LONG1
        long_integer(reader_.u8());
        return;
      case 'I':
      case 'L':
        decimal(line());
        return;
      case 'U':
      case 'C':
      case 0x8c:  // SHORT_BINSTRING, SHORT_BINBYTES, SHORT_BINUNICODE
        push_text(reader_.take_text(reader_.u8()));
        return;
      case 'T':
      case 'B':
      case 'X':
        push_text(reader_.take_text(reader_.u32()));
        return;
      case 'V':
      case 'S':
        push_text(line());
        return;
      case ']':
      case ')':
        push_sequence({});
        return;
      case 'l':
      case 't':
        push_sequence(pop_to_mark());
        return;
      case 0x85:  // TUPLE1, TUPLE2, TUPLE3
      case 0x86:
      case 0x87:
        push_sequence(pop_some(code - 0x84U));
        return;
      case 'a': {
        Value value = pop();
        append(top_list(), std::move(value));
        return;
      }
      case 'e': {
        std::vector<Value> values = pop_to_mark();
        Sequence& list = top_list();
        for (Value& value : values) append(list, std::move(value));
        return;
      }
      case 'q':
        remember(reader_.u8());
        return;
      case 'r':
        remember(reader_.u32());
        return;
      case 0x94:  // MEMOIZE
        remember(memo_.size());
        return;
      case 'p':
        remember(number_of(line()));
        return;
      case 'h':
        recall(reader_.u8());
        return;
      case 'j':
        recall(reader_.u32());
        return;
      case 'g':
        recall(number_of(line()));
        return;
      case 'c': {
        std::string name(line());
        name += ' ';
        name += line();
        push_name(name);
        return;
      }
      case 0x93: {  // STACK_GLOBAL
        const std::vector<Value> parts = pop_some(2);
        if (!parts[0].text || !parts[1].text) fail("a pickle names nothing");
        push_name(*parts[0].text + " " + *parts[1].text);
        return;
      }
      case 'R':
        reduce();
        return;
      case 'b':
        build();
        return;
      default:
        fail(format(
            "expected a pickle of lists of integers, got its operation {:#04x}",
            code));
    }
  }

  std::uint64_t number_of(std::string_view text) const {
    std::uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, code] = std::from_chars(text.data(), end, number);
    if (code != std::errc{} || rest != end) fail("expected a whole number");
    return number;
  }

  void decimal(std::string_view text) {
    if (text.ends_with('L')) text.remove_suffix(1);
    std::int64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, code] = std::from_chars(text.data(), end, number);
    if (code != std::errc{} || rest != end) fail("expected a whole number");
    push_integer(number);
  }

  void long_integer(std::size_t width) {
    if (width > 8) fail("expected an integer of at most 8 bytes");
    std::uint64_t bits = width == 0 ? 0 : reader_.uint(width);
    if (width > 0 && width < 8 && (bits >> (8 * width - 1)) != 0) {
      bits |= ~std::uint64_t{0} << (8 * width);
    }
    push_integer(static_cast<std::int64_t>(bits));
  }

  Lists result(const Value& value) const {
    const bool list = value.kind == Kind::sequence || value.kind == Kind::array;
    if (!list || !value.sequence || !value.sequence->integers.empty()) {
      fail("expected a pickle of lists of integers");
    }
    Lists out;
    // A list may stand in many places; each of its integers is in the file.
    std::size_t room = size_;
    for (const Value& row : value.sequence->values) {
      if (row.kind != Kind::sequence || !row.sequence->values.empty()) {
        fail("expected a pickle of lists of integers");
      }
      const std::size_t count = row.sequence->integers.size() + 1;
      if (count > room) fail("expected lists of their own in a pickle");
      room -= count;
      out.push_back(row.sequence->integers);
    }
    return out;
  }

  ByteReader reader_;
  std::size_t size_;
  std::vector<std::unique_ptr<Sequence>> sequences_;  // may hold each other
  std::vector<Value> stack_;
  std::map<std::uint64_t, Value> memo_;
};

}  // namespace

Lists parse_npy_of_lists(Bytes file, std::string_view who) {
  ByteReader reader(file, who);
  if (reader.take_text(6) != "\x93NUMPY") reader.fail("expected an .npy file");
  const std::uint16_t version = reader.u16();  // minor, major
  const std::uint64_t length =
      (version & 0xff) == 1 ? reader.u16() : reader.u32();
  const std::string_view header = reader.take_text(length);
  if (header.find("'descr': '|O'") == std::string_view::npos) {
    reader.fail("expected an array of lists (dtype object)");
  }
  return Machine(reader.take(reader.remaining()), who).run();
}

}  // namespace keratin::io
