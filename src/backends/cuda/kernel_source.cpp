#include "src/backends/cuda/kernel_source.hpp"

#include <cmath>
#include <cstdio>

#include "src/backends/cuda/kernels/kernels.hpp"
#include "src/core/format.hpp"

namespace keratin::cuda {

std::string KernelSource::source() const {
  std::string all(common_prelude());
  all += family;
  all += text;
  return all;
}

std::string fill_in(
    std::string_view pattern,
    std::initializer_list<std::pair<std::string_view, std::string>> values) {
  std::string out;
  std::size_t at = 0;
  while (at < pattern.size()) {
    const std::size_t begin = pattern.find("$(", at);
    if (begin == std::string_view::npos) break;
    out += pattern.substr(at, begin - at);
    const std::size_t end = pattern.find(')', begin);
    const std::string_view key = pattern.substr(begin + 2, end - begin - 2);
    at = begin;
    for (const auto& [name, value] : values) {
      if (name != key) continue;
      out += value;
      at = end + 1;
      break;
    }
    if (at == begin) {  // not ours: stays
      out += "$(";
      at = begin + 2;
    }
  }
  out += pattern.substr(at);
  return out;
}

std::string content_hash(std::string_view text) {
  std::string digits;
  for (const std::uint64_t start :
       {std::uint64_t{0xcbf29ce484222325}, std::uint64_t{0x9ae16a3b2f90404f}}) {
    std::uint64_t hash = start;
    for (const char letter : text) {
      hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3;
      hash ^= hash >> 32;
    }
    digits += keratin::format("{:016x}", hash);
  }
  return digits;
}

std::shared_ptr<const KernelSource> make_kernel(
    std::string_view stem,
    std::string_view family,
    std::string_view text,
    int threads) {
  auto kernel = std::make_shared<KernelSource>();
  const std::string content =
      std::string(common_prelude()) + std::string(family) + std::string(text);
  kernel->name = keratin::format("kt_{}_{}", stem, content_hash(content));
  kernel->family = family;
  kernel->text = fill_in(text, {{"NAME", kernel->name}});
  kernel->threads = threads;
  return kernel;
}

std::string kernel_type(DType dtype) {
  return std::string(short_name(dtype));
}

std::string compute_type(DType dtype) {
  const bool half = dtype == DType::f16 || dtype == DType::bf16;
  return half ? "f32" : kernel_type(dtype);
}

std::string sum_type(DType dtype) {
  if (dtype == DType::f64) return "f64";
  return is_floating(dtype) ? "f32" : "u64";
}

std::int64_t sum_bytes(DType dtype) {
  return is_floating(dtype) && dtype != DType::f64 ? 4 : 8;
}

std::string literal(double value, std::string_view type) {
  if (std::isnan(value))
    return keratin::format("{}(out_of_range<{}>())", type, type);
  if (std::isinf(value)) {
    return keratin::format("({}infinity({}(0)))", value < 0 ? "-" : "", type);
  }
  char digits[64];
  std::snprintf(digits, sizeof(digits), "%a", value);
  return keratin::format("{}({})", type, digits);
}

std::string index_functor(
    std::string_view name,
    const std::vector<std::int64_t>& dims,
    const std::vector<std::int64_t>& strides,
    std::int64_t offset) {
  std::vector<std::int64_t> sizes;
  std::vector<std::int64_t> steps;
  std::int64_t total = 1;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    total *= dims[i];
    if (dims[i] == 1) continue;
    if (!sizes.empty() && steps.back() == strides[i] * dims[i]) {
      sizes.back() *= dims[i];
      steps.back() = strides[i];
    } else {
      sizes.push_back(dims[i]);
      steps.push_back(strides[i]);
    }
  }
  const bool small = total < (std::int64_t{1} << 31);
  const std::string type = small ? "u32" : "i64";
  std::string text = keratin::format(
      "struct {} {{\n  KT_MEMBER i64 operator()(i64 at) const {{\n", name);
  if (sizes.size() <= 1) {
    const std::int64_t step = sizes.empty() ? 0 : steps[0];
    text += keratin::format("    return {} + at * {};\n", offset, step);
  } else {
    text += keratin::format("    {} i = {}(at);\n", type, type);
    text += keratin::format("    i64 to = {};\n", offset);
    for (std::size_t d = sizes.size(); d-- > 0;) {
      const std::string rest =
          d == 0 ? "i" : keratin::format("(i % {}({}))", type, sizes[d]);
      if (steps[d] != 0) {
        text += keratin::format("    to += i64({}) * {};\n", rest, steps[d]);
      }
      if (d > 0) text += keratin::format("    i /= {}({});\n", type, sizes[d]);
    }
    text += "    return to;\n";
  }
  return text + "  }\n};\n";
}

}  // namespace keratin::cuda
