#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <keratin/data/dataset.hpp>
#include <keratin/error.hpp>
#include <keratin/host_layer.hpp>
#include <keratin/layers.hpp>
#include <keratin/model.hpp>
#include <keratin/optimizers.hpp>
#include <keratin/random.hpp>

#include "tests/support/checks/check_layer.hpp"
#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/throws.hpp"

namespace keratin::testing {

inline Tensor texts(const std::vector<std::string>& values, Shape shape) {
  return Tensor(values, std::move(shape));
}

inline Tensor texts(const std::vector<std::string>& values) {
  return Tensor(values);
}

inline Tensor ints(const std::vector<std::int64_t>& values, Shape shape) {
  return Tensor(values, std::move(shape));
}

/// CHECKs every element.
inline void check_equal(
    const Tensor& got, const Shape& shape, const std::vector<double>& want) {
  check_close(got, Tensor(want, shape), 1e-6);
}

/// The same layer, made anew from what a file would hold of its config.
inline Layer reread(const Layer& layer) {
  return deserialize_layer(serialize(layer.impl()));
}

/// What InvalidArgument says.
template <class F>
std::string error_of(F&& f) {
  return message_of<InvalidArgument>(std::forward<F>(f));
}

inline std::string bytes_of(const std::string& hexadecimal) {
  std::string out;
  for (std::size_t i = 0; i < hexadecimal.size(); i += 2) {
    out += static_cast<char>(std::stoi(hexadecimal.substr(i, 2), nullptr, 16));
  }
  return out;
}

inline Config fixture_json(const std::string& name) {
  return Config::parse(read_file(fixture("text/" + name)), name);
}

}  // namespace keratin::testing
