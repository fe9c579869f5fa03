#include "src/io/npy_header.hpp"

#include <charconv>

#include <keratin/error.hpp>

#include "src/core/format.hpp"

namespace keratin::io {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";

/// The Python literal of a header: a dictionary of three known keys.
class Literal {
 public:
  Literal(std::string_view text, std::string_view who)
      : text_(text), who_(who) {}

  [[noreturn]] void fail(std::string_view expected) const {
    throw InvalidArgument(format(
        "{}: expected {} in the .npy header, got {}",
        who_,
        expected,
        quoted(text_.substr(std::min(at_, text_.size())), 40)));
  }

  bool accept(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  void expect(char c) {
    if (!accept(c)) fail(format("'{}'", c));
  }

  std::string_view string() {
    skip_space();
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    if (quote != '\'' && quote != '"') fail("a quoted name");
    const auto end = text_.find(quote, at_ + 1);
    if (end == text_.npos) fail("a closing quote");
    const auto out = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return out;
  }

  bool boolean() {
    skip_space();
    for (const auto& [word, value] :
         {std::pair{std::string_view("True"), true},
          std::pair{std::string_view("False"), false}}) {
      if (text_.substr(at_).starts_with(word)) {
        at_ += word.size();
        return value;
      }
    }
    fail("True or False");
  }

  Shape shape() {
    Shape out;
    expect('(');
    while (!accept(')')) {
      skip_space();
      std::int64_t dim = -1;
      const char* end = text_.data() + text_.size();
      const auto [stop, code] = std::from_chars(text_.data() + at_, end, dim);
      if (code != std::errc() || dim < 0) fail("a dimension");
      at_ = static_cast<std::size_t>(stop - text_.data());
      accept('L');  // Python 2
      out.push_back(dim);
      if (out.rank() > 64) fail("at most 64 dimensions");
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return out;
  }

 private:
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) {
      ++at_;
    }
  }

  std::string_view text_;
  std::string_view who_;
  std::size_t at_ = 0;
};

void parse_descr(NpyHeader& out, std::string_view descr, std::string_view who) {
  const auto refuse = [&](std::string_view why) {
    throw InvalidArgument(format("{}: dtype {} {}", who, quoted(descr), why));
  };
  std::string_view rest = descr;
  if (!rest.empty() && std::string_view("<>|=").find(rest[0]) != rest.npos) {
    out.swapped = rest[0] == '>';
    rest.remove_prefix(1);
  }
  if (rest.empty()) refuse("is not one of NumPy's");
  out.kind = rest[0];
  rest.remove_prefix(1);
  if (out.kind == 'O') {
    refuse("holds Python objects, which are refused: they could run code");
  }
  const auto [stop, code] =
      std::from_chars(rest.data(), rest.data() + rest.size(), out.size);
  if (code != std::errc() || stop != rest.data() + rest.size() ||
      out.size > (1U << 30)) {
    refuse("is not one of NumPy's");
  }
  const auto size_is = [&](auto... sizes) {
    return ((out.size == static_cast<std::uint64_t>(sizes)) || ...);
  };
  bool known = false;
  switch (out.kind) {
    case 'f':
      known = size_is(2, 4, 8);
      break;
    case 'i':
    case 'u':
      known = size_is(1, 2, 4, 8);
      break;
    case 'b':
      known = size_is(1);
      break;
    case 'V':
      known = size_is(2);
      break;
    case 'U':
      out.size *= 4;  // UTF-32
      known = out.size > 0;
      break;
    case 'S':
      known = out.size > 0;
      break;
    default:
      break;
  }
  if (!known) {
    refuse(
        "is not supported; expected f2 to f8, i1 to i8, u1 to u8, b1, U or S");
  }
}

}  // namespace

NpyHeader parse_npy_header(Bytes file, std::string_view who) {
  ByteReader in(file, who);
  if (file.size() < kMagic.size() || in.take_text(kMagic.size()) != kMagic) {
    in.fail(format(
        "expected an .npy file, got {} bytes without its signature",
        file.size()));
  }
  const auto version = in.u8();
  in.skip(1);
  if (version < 1 || version > 3) {
    in.fail(format("expected .npy version 1 to 3, got {}", version));
  }
  const std::uint64_t size = version == 1 ? in.u16() : in.u32();
  if (size > (1U << 20)) {
    in.fail(format("expected a header of at most 1 MiB, got {} bytes", size));
  }
  Literal text(in.take_text(size), who);

  NpyHeader out;
  out.data = in.position();
  bool has_descr = false;
  bool has_order = false;
  bool has_shape = false;
  text.expect('{');
  while (!text.accept('}')) {
    const std::string_view key = text.string();
    text.expect(':');
    if (key == "descr") {
      if (text.accept('[')) in.fail("records are outside what Keratin reads");
      parse_descr(out, text.string(), who);
      has_descr = true;
    } else if (key == "fortran_order") {
      out.fortran = text.boolean();
      has_order = true;
    } else if (key == "shape") {
      out.shape = text.shape();
      has_shape = true;
    } else {
      in.fail(format("unknown key {} in the .npy header", quoted(key)));
    }
    if (!text.accept(',')) {
      text.expect('}');
      break;
    }
  }
  if (!has_descr || !has_order || !has_shape) {
    in.fail("expected descr, fortran_order and shape in the .npy header");
  }
  return out;
}

std::string npy_header(std::string_view descr, const Shape& shape) {
  std::string dims;
  for (const std::int64_t dim : shape) dims += format("{}, ", dim);
  if (shape.rank() > 1) dims.resize(dims.size() - 2);
  if (shape.rank() == 1) dims.resize(dims.size() - 1);  // Python's "(3,)"
  std::string text = format(
      "{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}",
      descr,
      dims);
  // The elements begin at a multiple of 64.
  const std::size_t prefix = kMagic.size() + 4;
  text += std::string(63 - (prefix + text.size()) % 64, ' ');
  text += '\n';
  std::string out(kMagic);
  out += '\x01';
  out += '\0';
  out += static_cast<char>(text.size() & 0xff);
  out += static_cast<char>(text.size() >> 8);
  return out + text;
}

}  // namespace keratin::io
