#include "src/io/idx.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include <keratin/io/idx.hpp>

#include "src/core/format.hpp"
#include "src/io/gzip.hpp"

namespace keratin::io {
namespace {

DType dtype_of(int code, ByteReader& in) {
  switch (code) {
    case 0x08:
      return DType::u8;
    case 0x09:
      return DType::i8;
    case 0x0b:
      return DType::i16;
    case 0x0c:
      return DType::i32;
    case 0x0d:
      return DType::f32;
    case 0x0e:
      return DType::f64;
    default:
      in.fail(format("expected an IDX element type 8 to 14, got {}", code));
  }
}

}  // namespace

Tensor parse_idx(const SharedBytes& file, std::string_view who) {
  if (is_gzip(file.bytes)) {
    const std::uint64_t limit = std::max<std::uint64_t>(
        64U << 20, 100 * std::uint64_t{file.bytes.size()});
    auto content = std::make_shared<std::vector<std::byte>>(
        gunzip(file.bytes, limit, who));
    return parse_idx({Bytes(*content), content}, who);
  }
  ByteReader in(file.bytes, who);
  if (file.bytes.size() < 4 || in.u16() != 0) {
    in.fail(format(
        "expected an IDX file, got {} bytes that do not begin with two zeros",
        file.bytes.size()));
  }
  const DType dtype = dtype_of(in.u8(), in);
  const int rank = in.u8();
  Shape shape;
  std::uint64_t bytes = size_of(dtype);
  for (int i = 0; i < rank; ++i) {
    const std::uint64_t dim = __builtin_bswap32(in.u32());
    shape.push_back(static_cast<std::int64_t>(dim));
    if (__builtin_mul_overflow(bytes, dim, &bytes)) {
      in.fail(format("impossible shape {}", shape));
    }
  }
  if (bytes != in.remaining()) {
    in.fail(format(
        "expected {} bytes for {}{}, got {}; the file is truncated or damaged",
        bytes,
        dtype,
        shape,
        in.remaining()));
  }
  const Bytes data = in.take(bytes);
  if (size_of(dtype) == 1 && bytes > 0) {
    return Tensor::borrow(data.data(), dtype, shape, file.owner);
  }
  Tensor out = Tensor::uninitialized(dtype, shape);
  if (bytes == 0) return out;
  auto* to = static_cast<std::byte*>(out.mutable_raw());
  std::memcpy(to, data.data(), bytes);
  const std::size_t size = size_of(dtype);
  for (std::uint64_t i = 0; i < bytes; i += size) {
    std::reverse(to + i, to + i + size);
  }
  return out;
}

Tensor load_idx(const std::string& path) {
  return parse_idx(map_file(path), format("[{}]", base_name(path)));
}

}  // namespace keratin::io
