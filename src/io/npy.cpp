#include "src/io/npy.hpp"

#include <algorithm>
#include <cstring>

#include <keratin/error.hpp>
#include <keratin/io/npy.hpp>

#include "src/core/format.hpp"
#include "src/io/atomic_file.hpp"
#include "src/io/npy_header.hpp"
#include "src/io/unicode.hpp"
#include "src/io/zip.hpp"

namespace keratin::io {
namespace {

constexpr std::uint64_t kLeastLimit = 64U << 20;

DType dtype_of(const NpyHeader& header) {
  const auto pick = [&](DType one, DType two, DType four, DType eight) {
    switch (header.size) {
      case 1:
        return one;
      case 2:
        return two;
      case 4:
        return four;
      default:
        return eight;
    }
  };
  switch (header.kind) {
    case 'f':
      return pick(DType::f16, DType::f16, DType::f32, DType::f64);
    case 'i':
      return pick(DType::i8, DType::i16, DType::i32, DType::i64);
    case 'u':
      return pick(DType::u8, DType::u16, DType::u32, DType::u64);
    case 'b':
      return DType::boolean;
    case 'V':
      return DType::bf16;
    default:
      return DType::string;
  }
}

std::string_view descr_of(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return "<f4";
    case DType::f64:
      return "<f8";
    case DType::f16:
      return "<f2";
    case DType::bf16:
      return "<V2";
    case DType::i8:
      return "|i1";
    case DType::i16:
      return "<i2";
    case DType::i32:
      return "<i4";
    case DType::i64:
      return "<i8";
    case DType::u8:
      return "|u1";
    case DType::u16:
      return "<u2";
    case DType::u32:
      return "<u4";
    case DType::u64:
      return "<u8";
    case DType::boolean:
      return "|b1";
    case DType::string:
      break;
  }
  return "<U";
}

std::string decode_text(
    Bytes raw, const NpyHeader& header, std::string_view who) {
  std::string out;
  if (header.kind == 'S') {
    const auto text = as_text(raw);
    const auto last = text.find_last_not_of('\0');
    return std::string(text.substr(0, last == text.npos ? 0 : last + 1));
  }
  ByteReader in(raw, who);
  while (in.remaining() > 0) {
    std::uint32_t c = in.u32();
    if (header.swapped) c = __builtin_bswap32(c);
    if (c == 0) break;
    if (!append_utf8(out, c)) in.fail(format("no character has code {}", c));
  }
  return out;
}

/// Calls `visit(to, from)` with the row-major number of each element and its
/// place in Fortran order.
template <class Visit>
void for_each_in_order(
    const NpyHeader& header, std::uint64_t count, Visit visit) {
  const auto& dims = header.shape.dims();
  if (!header.fortran || dims.size() < 2) {
    for (std::uint64_t i = 0; i < count; ++i) visit(i, i);
    return;
  }
  std::vector<std::uint64_t> stride(dims.size(), 1);
  for (std::size_t i = 1; i < dims.size(); ++i) {
    stride[i] = stride[i - 1] * static_cast<std::uint64_t>(dims[i - 1]);
  }
  std::vector<std::int64_t> index(dims.size(), 0);
  std::uint64_t from = 0;
  for (std::uint64_t to = 0; to < count; ++to) {
    visit(to, from);
    for (std::size_t axis = dims.size(); axis-- > 0;) {
      from += stride[axis];
      if (++index[axis] < dims[axis]) break;
      from -= stride[axis] * static_cast<std::uint64_t>(dims[axis]);
      index[axis] = 0;
    }
  }
}

}  // namespace

Tensor parse_npy(const SharedBytes& file, std::string_view who) {
  const NpyHeader header = parse_npy_header(file.bytes, who);
  ByteReader in(file.bytes, who);
  in.seek(header.data);
  const auto& dims = header.shape.dims();
  std::uint64_t count = 1;
  if (std::find(dims.begin(), dims.end(), 0) != dims.end()) count = 0;
  std::uint64_t bytes = 0;
  for (const std::int64_t dim : dims) {
    if (count != 0 && __builtin_mul_overflow(
                          count, static_cast<std::uint64_t>(dim), &count)) {
      in.fail(format("impossible shape {}", header.shape));
    }
  }
  if (__builtin_mul_overflow(count, header.size, &bytes)) {
    in.fail(format("impossible shape {}", header.shape));
  }
  const Bytes data = in.take(bytes);
  const DType dtype = dtype_of(header);

  if (dtype == DType::string) {
    // Short texts take more room here than in the file.
    const std::uint64_t limit =
        std::max(kLeastLimit, 10 * std::uint64_t{file.bytes.size()});
    if (count * sizeof(std::string) > limit) {
      in.fail(format(
          "{} texts would take more than {} bytes, as much as a file of this "
          "size may ask for",
          count,
          limit));
    }
    Tensor out(dtype, header.shape);
    auto texts = out.mutable_data<std::string>();
    for_each_in_order(header, count, [&](std::uint64_t to, std::uint64_t from) {
      texts[to] = decode_text(
          data.subspan(from * header.size, header.size), header, who);
    });
    return out;
  }
  const bool aligned =
      reinterpret_cast<std::uintptr_t>(data.data()) % header.size == 0;
  const bool plain = !header.fortran || dims.size() < 2;
  if (plain && aligned && !header.swapped && dtype != DType::boolean &&
      count > 0) {
    return Tensor::borrow(data.data(), dtype, header.shape, file.owner);
  }
  Tensor out = Tensor::uninitialized(dtype, header.shape);
  if (count == 0) return out;
  auto* to_bytes = static_cast<std::byte*>(out.mutable_raw());
  for_each_in_order(header, count, [&](std::uint64_t to, std::uint64_t from) {
    std::byte* element = to_bytes + to * header.size;
    std::memcpy(element, data.data() + from * header.size, header.size);
    if (header.swapped) std::reverse(element, element + header.size);
    if (dtype == DType::boolean && *element != std::byte{0}) {
      *element = std::byte{1};
    }
  });
  return out;
}

std::vector<std::byte> format_npy(const Tensor& value) {
  std::vector<std::byte> out;
  const auto put = [&](Bytes bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
  };
  if (value.dtype() != DType::string) {
    const auto head = npy_header(descr_of(value.dtype()), value.shape());
    out.reserve(head.size() + value.size_bytes());
    put(as_bytes(head));
    if (value.size() > 0) {
      put({static_cast<const std::byte*>(value.raw()), value.size_bytes()});
    }
    return out;
  }
  std::vector<std::vector<std::uint32_t>> texts;
  std::size_t longest = 1;  // NumPy has no texts of length 0
  for (const std::string& text : value.data<std::string>()) {
    if (!decode_utf8(text, texts.emplace_back())) {
      throw InvalidArgument(
          format("[npy] expected UTF-8 text, got {}", quoted(text)));
    }
    longest = std::max(longest, texts.back().size());
  }
  put(as_bytes(npy_header(format("<U{}", longest), value.shape())));
  for (auto& text : texts) {
    text.resize(longest, 0);
    put(std::as_bytes(std::span(text)));
  }
  return out;
}

Tensor load_npy(const std::string& path) {
  return parse_npy(map_file(path), format("[{}]", base_name(path)));
}

std::map<std::string, Tensor> load_npz(
    const std::string& path, std::uint64_t limit_bytes) {
  const ZipReader archive = ZipReader::open(path);
  std::map<std::string, Tensor> out;
  for (const ZipMember& member : archive.members()) {
    std::string_view name = member.name;
    if (name.ends_with(".npy")) name.remove_suffix(4);
    const std::string who =
        format("[{}] {}", base_name(path), quoted(member.name));
    Tensor value = parse_npy(archive.read(member.name, limit_bytes), who);
    if (!out.emplace(name, std::move(value)).second) {
      throw InvalidArgument(format("{}: is there twice", who));
    }
  }
  return out;
}

void save_npy(const std::string& path, const Tensor& value) {
  write_file(path, format_npy(value));
}

void save_npz(
    const std::string& path, const std::map<std::string, Tensor>& arrays) {
  ZipWriter archive;
  for (const auto& [name, value] : arrays) {
    archive.add(name + ".npy", format_npy(value));
  }
  archive.save(path);
}

}  // namespace keratin::io
