#include "src/io/hdf5_types.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include <keratin/error.hpp>

#include "src/core/format.hpp"

namespace keratin::h5 {
namespace {

constexpr int kMaxRank = 32;  // HDF5's own

enum Class {
  kFixed = 0,
  kFloat = 1,
  kString = 3,
  kOpaque = 5,
  kEnum = 8,
  kVlen = 9,
  kArray = 10,
};

constexpr std::array<const char*, 11> kClassNames = {
    "integer",
    "float",
    "time",
    "string",
    "bit field",
    "opaque",
    "compound",
    "reference",
    "enum",
    "variable-length",
    "array"};

DType integer_type(std::uint64_t size, bool is_signed, ByteReader& in) {
  switch (size) {
    case 1:
      return is_signed ? DType::i8 : DType::u8;
    case 2:
      return is_signed ? DType::i16 : DType::u16;
    case 4:
      return is_signed ? DType::i32 : DType::u32;
    case 8:
      return is_signed ? DType::i64 : DType::u64;
    default:
      in.fail(format("expected integers of 1 to 8 bytes, got {}", size));
  }
}

void parse_float(Type& out, std::uint32_t bits, ByteReader& in) {
  const auto offset = in.u16();
  const auto precision = in.u16();
  const auto exponent_at = in.u8();
  const auto exponent_size = in.u8();
  const auto mantissa_at = in.u8();
  const auto mantissa_size = in.u8();
  const auto bias = in.u32();
  const auto sign_at = bits >> 8 & 0xff;

  struct Layout {
    DType dtype;
    unsigned bits, exponent, mantissa, bias;
  };

  constexpr std::array<Layout, 4> kLayouts = {{
      {DType::f16, 16, 5, 10, 15},
      {DType::bf16, 16, 8, 7, 127},
      {DType::f32, 32, 8, 23, 127},
      {DType::f64, 64, 11, 52, 1023},
  }};
  for (const Layout& known : kLayouts) {
    if (out.size * 8 == known.bits && offset == 0 && precision == known.bits &&
        exponent_at == known.mantissa && exponent_size == known.exponent &&
        mantissa_at == 0 && mantissa_size == known.mantissa &&
        bias == known.bias && sign_at == known.bits - 1 && (bits & 0x40) == 0) {
      out.dtype = known.dtype;
      out.swapped = (bits & 1) != 0;
      return;
    }
  }
  in.fail(format(
      "expected float16, bfloat16, float32 or float64, got a float of {} bytes "
      "with {} exponent bits",
      out.size,
      exponent_size));
}

/// True when the enum that follows is h5py's bool.
bool is_h5py_bool(
    ByteReader in, int version, std::uint32_t members, std::uint64_t size) {
  if (members != 2 || size != 1) return false;
  std::array<std::string_view, 2> names;
  for (auto& name : names) {
    const auto rest = in.take_text(in.remaining());
    const auto length = rest.find('\0');
    if (length == std::string_view::npos) return false;
    name = rest.substr(0, length);
    std::uint64_t stored = length + 1;
    if (version < 3) stored = (stored + 7) / 8 * 8;
    if (stored > rest.size()) return false;
    in = ByteReader(io::as_bytes(rest.substr(stored)), "");
  }
  if (in.remaining() < 2) return false;
  const auto first = in.u8();
  const auto second = in.u8();
  return (names[0] == "FALSE" && names[1] == "TRUE" && first == 0 &&
          second == 1) ||
         (names[0] == "TRUE" && names[1] == "FALSE" && first == 1 &&
          second == 0);
}

Type parse_type(const Image& image, ByteReader& in, int depth) {
  if (depth > 4) in.fail("type is nested too deep");
  const auto head = in.u8();
  const int version = head >> 4;
  const unsigned type_class = head & 15;
  const auto bits = static_cast<std::uint32_t>(in.uint(3));
  Type out;
  out.size = in.u32();
  if (version < 1 || version > 4) {
    in.fail(format("expected datatype version 1 to 4, got {}", version));
  }
  if (out.size == 0) in.fail("expected elements of a size, got 0 bytes");
  switch (type_class) {
    case kFixed: {
      const auto offset = in.u16();
      const auto precision = in.u16();
      out.dtype = integer_type(out.size, (bits & 8) != 0, in);
      if (offset != 0 || precision != out.size * 8) {
        in.fail(format(
            "expected integers that fill {} bytes, got {} bits",
            out.size,
            precision));
      }
      out.swapped = (bits & 1) != 0 && out.size > 1;
      return out;
    }
    case kFloat:
      parse_float(out, bits, in);
      return out;
    case kString:
      out.kind = Type::Kind::fixed_string;
      out.dtype = DType::string;
      out.padding = static_cast<char>(bits & 15);
      return out;
    case kOpaque:
      out.kind = Type::Kind::opaque;
      return out;
    case kEnum: {
      Type base = parse_type(image, in, depth + 1);
      if (base.kind != Type::Kind::number || !is_integer(base.dtype)) {
        in.fail("expected an enum of integers");
      }
      if (is_h5py_bool(in, version, bits & 0xffff, base.size)) {
        base.kind = Type::Kind::boolean;
        base.dtype = DType::boolean;
      }
      return base;
    }
    case kVlen: {
      if ((bits & 15) != 1) {
        in.fail("variable-length arrays are outside what Keratin reads");
      }
      out.kind = Type::Kind::vlen_string;
      out.dtype = DType::string;
      const std::uint64_t wanted = 4 + image.offset_width() + 4;
      if (out.size != wanted) {
        in.fail(format(
            "expected string references of {} bytes, got {}",
            wanted,
            out.size));
      }
      return out;
    }
    case kArray: {
      const int rank = in.u8();
      if (version < 3) in.skip(3);
      if (rank > kMaxRank) {
        in.fail(format("expected rank <= {}, got {}", kMaxRank, rank));
      }
      Shape inner;
      for (int i = 0; i < rank; ++i) inner.push_back(in.u32());
      if (version < 3) in.skip(4U * static_cast<unsigned>(rank));
      Type base = parse_type(image, in, depth + 1);
      if (!base.inner.empty()) in.fail("arrays of arrays are not supported");
      base.inner = inner;
      return base;
    }
    default:
      in.fail(format(
          "{} types are outside what Keratin reads",
          type_class < kClassNames.size() ? kClassNames[type_class]
                                          : "unknown"));
  }
}

/// Bytes of a string, shortened as its padding says.
std::string_view strip(std::string_view text, char padding) {
  if (padding == 0) return text.substr(0, text.find('\0'));
  const char fill = padding == 2 ? ' ' : '\0';
  const auto last = text.find_last_not_of(fill);
  return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

Tensor decode_strings(
    const Image& image,
    const Type& type,
    Shape shape,
    Bytes raw,
    std::uint64_t limit_bytes,
    std::string_view who) {
  const std::uint64_t count = raw.size() / type.size;
  std::uint64_t used = checked_product(count, sizeof(std::string), who);
  const auto check_limit = [&] {
    if (used > limit_bytes) {
      ByteReader({}, who).fail(format(
          "strings would take over {} bytes, more than a file of this size "
          "may ask for",
          limit_bytes));
    }
  };
  check_limit();
  Tensor out(DType::string, std::move(shape));
  auto values = out.mutable_data<std::string>();
  ByteReader in(raw, who);
  for (std::uint64_t i = 0; i < count; ++i) {
    std::string_view text;
    if (type.kind == Type::Kind::fixed_string) {
      text = strip(in.take_text(type.size), type.padding);
    } else {
      const std::uint64_t length = in.u32();
      const std::uint64_t heap = in.uint(image.offset_width());
      const std::uint32_t index = in.u32();
      if (length == 0 || heap == 0) continue;  // h5py's null string
      const Bytes object = image.heap_object(heap, index, who);
      if (length > object.size()) {
        in.fail(format(
            "string of {} bytes lies in a heap object of {}",
            length,
            object.size()));
      }
      // The terminator may be counted in.
      text = strip(io::as_text(object.first(length)), 1);
    }
    used += text.size();
    check_limit();
    values[i] = std::string(text);
  }
  return out;
}

}  // namespace

Type parse_type(const Image& image, Bytes body, std::string_view who) {
  ByteReader in(body, who);
  return parse_type(image, in, 0);
}

std::optional<Shape> parse_space(
    const Image& image, Bytes body, std::string_view who) {
  ByteReader in(body, who);
  const auto version = in.u8();
  const int rank = in.u8();
  in.skip(1);  // flags: whether there are maximum sizes, which do not matter
  if (version == 1) {
    in.skip(5);
  } else if (version == 2) {
    if (in.u8() == 2) return std::nullopt;
  } else {
    in.fail(format("expected dataspace version 1 or 2, got {}", version));
  }
  if (rank > kMaxRank) {
    in.fail(format("expected rank <= {}, got {}", kMaxRank, rank));
  }
  Shape out;
  for (int i = 0; i < rank; ++i) {
    const std::uint64_t dim = image.length(in);
    if (dim > std::uint64_t{1} << 62) {
      in.fail(format("expected a dimension below 2^62, got {}", dim));
    }
    out.push_back(static_cast<std::int64_t>(dim));
  }
  count_of(out, who);
  return out;
}

std::uint64_t checked_product(
    std::uint64_t a, std::uint64_t b, std::string_view who) {
  std::uint64_t out = 0;
  if (__builtin_mul_overflow(a, b, &out) || out > std::uint64_t{1} << 62) {
    ByteReader({}, who).fail(
        format("impossible size: {} times {} overflows", a, b));
  }
  return out;
}

std::uint64_t count_of(const Shape& shape, std::string_view who) {
  // A zero anywhere makes the others harmless, but not their product.
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
  std::uint64_t count = 1;
  for (const std::int64_t dim : shape) {
    count = checked_product(count, static_cast<std::uint64_t>(dim), who);
  }
  return count;
}

Tensor decode(
    const Image& image,
    const Type& type,
    Shape shape,
    const io::SharedBytes& raw,
    std::uint64_t limit_bytes,
    std::string_view who) {
  switch (type.kind) {
    case Type::Kind::fixed_string:
    case Type::Kind::vlen_string:
      return decode_strings(
          image, type, std::move(shape), raw.bytes, limit_bytes, who);
    case Type::Kind::opaque:
      ByteReader({}, who).fail(
          "opaque types other than bfloat16 are outside what Keratin reads");
    case Type::Kind::boolean: {
      Tensor out(DType::boolean, std::move(shape));
      auto values = out.mutable_data<bool>();
      std::transform(
          raw.bytes.begin(), raw.bytes.end(), values.begin(), [](std::byte b) {
            return b != std::byte{0};
          });
      return out;
    }
    case Type::Kind::number:
      break;
  }
  const auto address = reinterpret_cast<std::uintptr_t>(raw.bytes.data());
  if (!type.swapped && address % type.size == 0 && !raw.bytes.empty()) {
    return Tensor::borrow(
        raw.bytes.data(), type.dtype, std::move(shape), raw.owner);
  }
  Tensor out = Tensor::uninitialized(type.dtype, std::move(shape));
  if (raw.bytes.empty()) return out;
  auto* bytes = static_cast<std::byte*>(out.mutable_raw());
  std::memcpy(bytes, raw.bytes.data(), raw.bytes.size());
  if (type.swapped) {
    for (std::size_t i = 0; i < raw.bytes.size(); i += type.size) {
      std::reverse(bytes + i, bytes + i + type.size);
    }
  }
  return out;
}

}  // namespace keratin::h5
