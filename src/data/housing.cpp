// Boston and California housing.

#include <keratin/error.hpp>
#include <keratin/io/npy.hpp>

#include "src/core/format.hpp"
#include "src/data/directory_index.hpp"
#include "src/data/keras_datasets.hpp"
#include "src/data/published.hpp"
#include "src/data/shuffle.hpp"
#include "src/io/mapped_file.hpp"

namespace keratin::datasets {
namespace {

/// x: [n, features] and y: [n] of an archive.
Examples read_archive(const std::string& path, std::int64_t features) {
  const auto arrays = io::load_npz(path);
  const auto array = [&](const char* name) {
    const auto found = arrays.find(name);
    if (found == arrays.end()) {
      throw InvalidArgument(
          format("[{}] has no array {}", io::base_name(path), name));
    }
    return found->second;
  };
  Examples out{array("x"), array("y")};
  const Shape& x = out.x.shape();
  const bool fits = x.rank() == 2 && x[1] == features && x[0] > 0 &&
                    out.y.shape() == Shape{x[0]};
  if (!fits || !is_floating(out.x.dtype()) || !is_floating(out.y.dtype())) {
    throw InvalidArgument(format(
        "[{}] expected floats x[n,{}] and y[n], got {}{} and {}{}",
        io::base_name(path),
        features,
        out.x.dtype(),
        x,
        out.y.dtype(),
        out.y.shape()));
  }
  return out;
}

TrainTest split(
    const Examples& all,
    double test_split,
    std::uint32_t seed,
    const char* who) {
  if (!(test_split >= 0 && test_split < 1)) {
    throw InvalidArgument(format(
        "[{}] expected test_split from 0 to below 1, got {}", who, test_split));
  }
  std::vector<std::int64_t> order = data::count_up(all.y.size());
  utils::numpy_shuffle(order, seed);
  const Tensor x = all.x.take(order);
  const Tensor y = all.y.take(order);
  const auto rows = static_cast<std::int64_t>(order.size());
  const auto train =
      static_cast<std::int64_t>(static_cast<double>(rows) * (1 - test_split));
  return {
      {x.slice(0, train), y.slice(0, train)},
      {x.slice(train, rows), y.slice(train, rows)}};
}

std::string find_or_fetch(const char* name, const char* sha256) {
  if (const auto path = data::find_data({name})) return *path;
  return data::fetch_published(
      {.url = std::string("https://storage.googleapis.com/tensorflow/"
                          "tf-keras-datasets/") +
              name,
       .name = name,
       .sha256 = sha256,
       .max_bytes = 16U << 20});
}

}  // namespace

TrainTest read_boston_housing(
    const std::string& path, const BostonHousingOptions& options) {
  return split(
      read_archive(path, 13),
      options.test_split,
      options.seed,
      "boston_housing");
}

TrainTest read_california_housing(
    const std::string& path, const CaliforniaHousingOptions& options) {
  if (options.version != "large" && options.version != "small") {
    throw InvalidArgument(format(
        "[california_housing] expected version large or small, got \"{}\"",
        options.version));
  }
  Examples all = read_archive(path, 8);
  constexpr std::int64_t kSmall = 600;
  if (options.version == "small" && all.y.size() > kSmall) {
    all = {all.x.slice(0, kSmall), all.y.slice(0, kSmall)};
  }
  return split(all, options.test_split, options.seed, "california_housing");
}

TrainTest boston_housing(const BostonHousingOptions& options) {
  return read_boston_housing(
      find_or_fetch(
          "boston_housing.npz",
          "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"),
      options);
}

TrainTest california_housing(const CaliforniaHousingOptions& options) {
  return read_california_housing(
      find_or_fetch(
          "california_housing.npz",
          "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f"),
      options);
}

}  // namespace keratin::datasets
