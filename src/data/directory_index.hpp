#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <keratin/data/directory.hpp>
#include <keratin/tensor.hpp>

namespace keratin::utils {

/// NumPy's RandomState.shuffle, so that a seed means the same here. `bits`: the
/// RandomState, made with its seed.
template <class T>
void numpy_shuffle(std::vector<T>& items, std::mt19937& bits) {
  for (std::size_t i = items.size(); i-- > 1;) {
    std::uint32_t mask = static_cast<std::uint32_t>(i);
    for (const int shift : {1, 2, 4, 8, 16}) mask |= mask >> shift;
    std::uint32_t draw = 0;
    do {
      draw = static_cast<std::uint32_t>(bits()) & mask;
    } while (draw > i);
    std::swap(items[i], items[draw]);
  }
}

/// RandomState(seed).shuffle.
template <class T>
void numpy_shuffle(std::vector<T>& items, std::uint32_t seed) {
  std::mt19937 bits(seed);
  numpy_shuffle(items, bits);
}

/// What the sources of one kind share of their options.
struct DirectoryArguments {
  const char* who;                   // "[image_dataset_from_directory]"
  const char* kind;                  // "pictures"
  std::vector<std::string> endings;  // ".jpg"
  std::string directory;
  std::string labels;
  std::string label_mode;
  std::vector<std::string> class_names;
  std::optional<std::int64_t> batch_size;
  bool shuffle;
  std::optional<std::uint32_t> seed;
  std::optional<double> validation_split;
  std::string subset;
  bool follow_links;
  bool verbose;
  std::vector<std::int64_t> label_list;
  bool pads = false;    // elements of a batch, to the longest
  bool listed = false;  // files that a list names: label_mode may be "float"
};

/// The files of one part of the data.
struct DirectoryPart {
  std::vector<std::string> paths;
  std::vector<std::int32_t> labels;  // empty without
  std::vector<float> values;         // in their place, of label_mode "float"
};

struct DirectoryIndex {
  DirectoryPart all;
  std::vector<std::string> class_names;
  std::uint32_t seed = 0;  // given or drawn

  /// "training", "validation", or all for an empty name.
  DirectoryPart part(
      const DirectoryArguments& arguments, const std::string& subset) const;
};

/// Checks the arguments, lists the files and shuffles them as Keras does.
DirectoryIndex index_directory(const DirectoryArguments& arguments);

/// The same for files that are listed already, with their labels.
DirectoryIndex index_listed(
    const DirectoryArguments& arguments, DirectoryIndex files);

/// Elements of paths, string[], and targets in the asked form, shuffled anew
/// in every epoch if asked.
data::Dataset paths_dataset(
    const DirectoryArguments& arguments,
    const DirectoryIndex& index,
    const DirectoryPart& part,
    bool shuffle);

}  // namespace keratin::utils
