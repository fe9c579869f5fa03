#pragma once

#include <string>
#include <vector>

#include <keratin/data/examples.hpp>
#include <keratin/export.hpp>

/// Data sets by name, shaped as keras.datasets and scikit-learn give them.
///
/// digits and breast_cancer are part of the library. The others are looked for
/// in the folder that KERATIN_DATA names (in it, and in its "datasets/"), then
/// in the cache folder (KERATIN_CACHE), and are else fetched there once, with a
/// checksum. They throw SystemError when they cannot be had (KERATIN_OFFLINE
/// forbids to fetch), InvalidArgument when a file is damaged.
namespace keratin::datasets {

using data::Examples;
using data::TrainTest;

/// The UCI optical digits of scikit-learn.
///   x: f32[1797, 8, 8], 0 to 16     y: i64[1797], 0 to 9
KERATIN_API Examples digits();

/// A table with names.
struct LabelledTable {
  Tensor x;
  Tensor y;
  std::vector<std::string> feature_names;
  std::vector<std::string> class_names;  // by the value of y
};

/// Breast cancer Wisconsin (diagnostic) of scikit-learn, not standardised.
///   x: f32[569, 30]     y: i64[569], 0 malignant, 1 benign
KERATIN_API LabelledTable breast_cancer();

/// Handwritten digits.
///   train.x: u8[60000, 28, 28]   test.x: u8[10000, 28, 28]   y: u8[n]
/// In KERATIN_DATA: mnist/ with the four original .gz files, or mnist.npz.
KERATIN_API TrainTest mnist();

/// Clothes, in MNIST's format.
/// In KERATIN_DATA: fashion_mnist/ with the four original .gz files.
KERATIN_API TrainTest fashion_mnist();

/// Small photographs.
///   train.x: u8[50000, 32, 32, 3]   test.x: u8[10000, 32, 32, 3]   y: u8[n, 1]
/// In KERATIN_DATA: cifar10/ with cifar-10-binary.tar.gz.
KERATIN_API TrainTest cifar10();

}  // namespace keratin::datasets
