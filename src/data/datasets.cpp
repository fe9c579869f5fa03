#include <array>

#include <keratin/datasets.hpp>
#include <keratin/error.hpp>
#include <keratin/io/csv.hpp>
#include <keratin/io/idx.hpp>
#include <keratin/io/npy.hpp>

#include "src/core/format.hpp"
#include "src/data/cifar.hpp"
#include "src/data/embedded.hpp"
#include "src/data/mnist.hpp"
#include "src/data/published.hpp"
#include "src/io/download.hpp"
#include "src/io/gzip.hpp"

namespace keratin::datasets {

using data::fetch_published;
using data::find_data;

namespace {

std::string unpacked(io::Bytes packed, std::string_view name) {
  constexpr std::uint64_t kLimit = 16U << 20;
  const auto bytes = io::gunzip(packed, kLimit, name);
  return std::string(io::as_text(bytes));
}

void check_shape(
    const Tensor& value, const Shape& expected, std::string_view what) {
  if (value.dtype() != DType::u8 || value.shape() != expected) {
    throw InvalidArgument(format(
        "[{}] expected u8{}, got {}{}",
        what,
        expected,
        value.dtype(),
        value.shape()));
  }
}

TrainTest checked(TrainTest out, std::string_view name) {
  check_shape(out.train.x, {60000, 28, 28}, name);
  check_shape(out.train.y, {60000}, name);
  check_shape(out.test.x, {10000, 28, 28}, name);
  check_shape(out.test.y, {10000}, name);
  return out;
}

struct IdxFile {
  const char* name;
  const char* sha256;
};

// The names that the original MNIST gave its files, and the sums of Fashion-
// MNIST's.
constexpr std::array<IdxFile, 4> kIdxFiles = {{
    {"train-images-idx3-ubyte.gz",
     "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"},
    {"train-labels-idx1-ubyte.gz",
     "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"},
    {"t10k-images-idx3-ubyte.gz",
     "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"},
    {"t10k-labels-idx1-ubyte.gz",
     "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"},
}};

}  // namespace

Examples digits() {
  const io::Table table = io::parse_csv(
      unpacked(data::kDigits, "digits"), {.header = false}, "digits");
  const Tensor pixels = table.numeric_except({"64"});
  return {
      pixels.reshape({table.rows(), 8, 8}),
      table.numeric({"64"}, DType::i64).reshape({table.rows()})};
}

LabelledTable breast_cancer() {
  // The first line counts rows and columns and names the classes.
  std::string text = unpacked(data::kBreastCancer, "breast_cancer");
  text.erase(0, text.find('\n') + 1);
  const io::Table table =
      io::parse_csv(std::move(text), {.header = false}, "breast_cancer");
  LabelledTable out;
  out.x = table.numeric_except({"30"});
  out.y = table.numeric({"30"}, DType::i64).reshape({table.rows()});
  for (const char* statistic : {"mean {}", "{} error", "worst {}"}) {
    for (const char* quantity :
         {"radius",
          "texture",
          "perimeter",
          "area",
          "smoothness",
          "compactness",
          "concavity",
          "concave points",
          "symmetry",
          "fractal dimension"}) {
      std::string name = statistic;
      name.replace(name.find("{}"), 2, quantity);
      out.feature_names.push_back(std::move(name));
    }
  }
  out.class_names = {"malignant", "benign"};
  return out;
}

TrainTest mnist_of(const io::Download& archive) {
  const auto original = [](const IdxFile& file) {
    return find_data({std::string("mnist/") + file.name});
  };
  if (original(kIdxFiles[0])) {
    std::array<Tensor, 4> parts;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const auto path = original(kIdxFiles[i]);
      if (!path) {
        throw SystemError(format(
            "[mnist] the folder with {} lacks {}",
            kIdxFiles[0].name,
            kIdxFiles[i].name));
      }
      parts[i] = io::load_idx(*path);
    }
    return checked({{parts[0], parts[1]}, {parts[2], parts[3]}}, "mnist");
  }
  auto path = find_data({"mnist.npz", "mnist/mnist.npz"});
  if (!path) path = fetch_published(archive);
  const auto arrays = io::load_npz(*path);
  const auto part = [&](const char* name) {
    const auto it = arrays.find(name);
    if (it == arrays.end()) {
      throw InvalidArgument(format("[mnist.npz] has no array {}", name));
    }
    return it->second;
  };
  return checked(
      {{part("x_train"), part("y_train")}, {part("x_test"), part("y_test")}},
      "mnist.npz");
}

TrainTest mnist() {
  return mnist_of(
      {.url = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
              "mnist.npz",
       .name = "mnist.npz",
       .sha256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b"
                 "673d1",
       .max_bytes = 64U << 20});
}

TrainTest fashion_mnist() {
  std::array<Tensor, 4> parts;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const IdxFile& file = kIdxFiles[i];
    auto path = find_data(
        {std::string("fashion_mnist/") + file.name,
         std::string("fashion-mnist/") + file.name});
    if (!path) {
      path = fetch_published(
          {.url = std::string("https://storage.googleapis.com/tensorflow/"
                              "tf-keras-datasets/") +
                  file.name,
           .name = std::string("fashion-mnist-") + file.name,
           .sha256 = file.sha256,
           .max_bytes = 64U << 20});
    }
    parts[i] = io::load_idx(*path);
  }
  return checked({{parts[0], parts[1]}, {parts[2], parts[3]}}, "fashion_mnist");
}

TrainTest cifar10() {
  constexpr const char* kName = "cifar-10-binary.tar.gz";
  auto path = find_data({std::string("cifar10/") + kName, kName});
  if (!path) {
    path = fetch_published(
        {.url = std::string("https://www.cs.toronto.edu/~kriz/") + kName,
         .name = kName,
         .sha256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59b"
                   "ca1dd",
         .max_bytes = 256U << 20});
  }
  return data::read_cifar10(*path);
}

TrainTest cifar100(const std::string& label_mode) {
  if (label_mode != "fine" && label_mode != "coarse") {
    throw InvalidArgument(format(
        "[cifar100] expected label_mode fine or coarse, got \"{}\"",
        label_mode));
  }
  constexpr const char* kName = "cifar-100-binary.tar.gz";
  auto path = find_data({std::string("cifar100/") + kName, kName});
  if (!path) {
    path = fetch_published(
        {.url = std::string("https://www.cs.toronto.edu/~kriz/") + kName,
         .name = kName,
         .sha256 = "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a4"
                   "0d8ec",
         .max_bytes = 256U << 20});
  }
  return data::read_cifar100(*path, label_mode == "fine");
}

}  // namespace keratin::datasets
