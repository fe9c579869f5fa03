#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <keratin/keratin.hpp>

namespace course {

namespace kt = keratin;
namespace ops = keratin::ops;

/// The dtype to compute in: the program's argument, float64 without one. Layers
/// and losses made from here on have it too.
inline kt::DType dtype_argument(int argc, char** argv) {
  const std::string name = argc > 1 ? argv[1] : "float64";
  if (argc > 2 || (name != "float64" && name != "float32")) {
    std::fprintf(stderr, "usage: %s [float64|float32]\n", argv[0]);
    std::exit(2);
  }
  const kt::DType dtype = kt::parse_dtype(name);
  kt::set_floatx(dtype);
  kt::set_dtype_policy(name);
  return dtype;
}

inline void print(const std::string& name, double value) {
  std::printf("%s = %.17g\n", name.c_str(), value);
}

/// One line for each element.
inline void print(const std::string& name, const kt::Tensor& values) {
  if (values.rank() == 0) return print(name, values.at(0));
  for (std::int64_t i = 0; i < values.size(); ++i) {
    print(name + "[" + std::to_string(i) + "]", values.at(i));
  }
}

}  // namespace course
