#pragma once

#include <cstdint>
#include <map>
#include <optional>
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

/// The same pictures of 100 classes ("fine") in 20 groups ("coarse").
/// In KERATIN_DATA: cifar100/ with cifar-100-binary.tar.gz.
/// Throws InvalidArgument for another `label_mode`.
KERATIN_API TrainTest cifar100(const std::string& label_mode = "fine");

struct BostonHousingOptions {
  double test_split = 0.2;   // in [0, 1)
  std::uint32_t seed = 113;  // of the shuffling, which is Keras's own
};

/// Prices of houses around Boston, in thousands of dollars.
///   x: f64[404 and 102, 13]   y: f64[n]
/// Keras warns of this data set: one of its columns assumes that segregation
/// influences prices. In KERATIN_DATA: boston_housing.npz.
KERATIN_API TrainTest boston_housing(const BostonHousingOptions& options = {});

struct CaliforniaHousingOptions {
  std::string version = "large";  // or "small": 600 districts
  double test_split = 0.2;
  std::uint32_t seed = 113;
};

/// Median prices of houses in districts of California, in dollars.
///   x: f32[16512 and 4128, 8]   y: f32[n]
/// In KERATIN_DATA: california_housing.npz.
KERATIN_API TrainTest
california_housing(const CaliforniaHousingOptions& options = {});

/// Sequences of words by their ranks; `utils::pad_sequences` makes arrays of
/// them.
struct Sequences {
  std::vector<std::vector<std::int64_t>> x;
  Tensor y;  // i64[n]
};

struct SequencesTrainTest {
  Sequences train;
  Sequences test;
};

/// Keras's arguments.
struct ImdbOptions {
  std::optional<std::int64_t> num_words = {};  // the most frequent ones
  std::int64_t skip_top = 0;                   // less these
  std::optional<std::int64_t> maxlen = {};     // shorter texts alone
  std::uint32_t seed = 113;
  std::optional<std::int64_t> start_char = 1;
  std::optional<std::int64_t> oov_char = 2;  // in place of other words
  std::int64_t index_from = 3;               // added to ranks
};

/// 25,000 film reviews to learn from and as many to test on; y: 1 is positive.
/// In KERATIN_DATA: imdb.npz. Throws InvalidArgument when `maxlen` leaves none.
KERATIN_API SequencesTrainTest imdb(const ImdbOptions& options = {});

/// Ranks of words. In KERATIN_DATA: imdb_word_index.json.
KERATIN_API std::map<std::string, std::int64_t> imdb_word_index();

struct ReutersOptions {
  std::optional<std::int64_t> num_words = {};
  std::int64_t skip_top = 0;
  std::optional<std::int64_t> maxlen = {};
  double test_split = 0.2;
  std::uint32_t seed = 113;
  std::optional<std::int64_t> start_char = 1;
  std::optional<std::int64_t> oov_char = 2;
  std::int64_t index_from = 3;
};

/// 11,228 newswires of 46 topics. In KERATIN_DATA: reuters.npz.
KERATIN_API SequencesTrainTest reuters(const ReutersOptions& options = {});

/// In KERATIN_DATA: reuters_word_index.json.
KERATIN_API std::map<std::string, std::int64_t> reuters_word_index();

/// Names of the 46 topics.
KERATIN_API std::vector<std::string> reuters_label_names();

}  // namespace keratin::datasets
