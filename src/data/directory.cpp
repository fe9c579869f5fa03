#include <algorithm>
#include <utility>

#include <keratin/data/directory.hpp>
#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/data/directory_index.hpp"
#include "src/data/file_loading.hpp"
#include "src/data/skip_list.hpp"
#include "src/io/mapped_file.hpp"
#include "src/io/wav.hpp"

namespace keratin::utils {

using data::Dataset;
using data::Element;
using data::SkipList;

namespace {

constexpr const char* kImages = "[image_dataset_from_directory]";
constexpr const char* kTexts = "[text_dataset_from_directory]";
constexpr const char* kSounds = "[audio_dataset_from_directory]";

DirectoryArguments arguments_of(
    const std::string& directory, const ImageDatasetOptions& options) {
  return picture_arguments(kImages, directory, options);
}

DirectoryArguments arguments_of(
    const std::string& directory, const TextDatasetOptions& options) {
  return arguments_of(kTexts, "texts", {".txt"}, directory, options);
}

DirectoryArguments arguments_of(
    const std::string& directory, const AudioDatasetOptions& options) {
  DirectoryArguments arguments =
      arguments_of(kSounds, "sounds", {".wav"}, directory, options);
  arguments.pads = !options.output_sequence_length;
  return arguments;
}

DirectoryDataset make_dataset(
    const DirectoryArguments& arguments, const Load& load, bool skip = false) {
  if (arguments.subset == "both") {
    throw InvalidArgument(format(
        "{} gives one data set; for subset \"both\" call the function with "
        "\"datasets\" in its name",
        arguments.who));
  }
  const DirectoryIndex index = index_directory(arguments);
  return make_part(
      arguments, index, arguments.subset, arguments.shuffle, load, skip);
}

std::pair<DirectoryDataset, DirectoryDataset> make_both(
    DirectoryArguments arguments, const Load& load, bool skip = false) {
  arguments.subset = "both";
  const DirectoryIndex index = index_directory(arguments);
  return {
      make_part(arguments, index, "training", arguments.shuffle, load, skip),
      make_part(arguments, index, "validation", false, load, skip)};
}

Load text_loader(const TextDatasetOptions& options) {
  if (options.max_length && *options.max_length < 0) {
    throw InvalidArgument(format(
        "{} expected max_length >= 0, got {}", kTexts, *options.max_length));
  }
  return [max_length = options.max_length](const std::string& path) {
    const io::SharedBytes file = io::map_file(path);
    std::string text(io::as_text(file.bytes));
    if (max_length) {
      text.resize(std::min(text.size(), static_cast<std::size_t>(*max_length)));
    }
    return Tensor(std::vector<std::string>{std::move(text)}, Shape{});
  };
}

Load sound_loader(const AudioDatasetOptions& options) {
  const auto length = options.output_sequence_length;
  if (length && *length < 1) {
    throw InvalidArgument(format(
        "{} expected output_sequence_length >= 1, got {}", kSounds, *length));
  }
  return [length](const std::string& path) {
    return io::decode_wav(io::map_file(path).bytes, path, length);
  };
}

}  // namespace

DirectoryDataset::DirectoryDataset(
    data::Dataset dataset,
    std::vector<std::string> class_names,
    std::vector<std::string> file_paths,
    std::shared_ptr<const SkipList> skipped)
    : Dataset(std::move(dataset)),
      class_names_(std::move(class_names)),
      file_paths_(std::move(file_paths)),
      skipped_(std::move(skipped)) {}

std::vector<std::string> DirectoryDataset::skipped() const {
  return skipped_ ? skipped_->messages() : std::vector<std::string>();
}

DirectoryDataset image_dataset_from_directory(
    const std::string& directory, const ImageDatasetOptions& options) {
  const Load load = picture_loader(kImages, options);
  return make_dataset(
      arguments_of(directory, options), load, options.on_error == "skip");
}

std::pair<DirectoryDataset, DirectoryDataset> image_datasets_from_directory(
    const std::string& directory, const ImageDatasetOptions& options) {
  const Load load = picture_loader(kImages, options);
  return make_both(
      arguments_of(directory, options), load, options.on_error == "skip");
}

DirectoryDataset text_dataset_from_directory(
    const std::string& directory, const TextDatasetOptions& options) {
  return make_dataset(arguments_of(directory, options), text_loader(options));
}

std::pair<DirectoryDataset, DirectoryDataset> text_datasets_from_directory(
    const std::string& directory, const TextDatasetOptions& options) {
  return make_both(arguments_of(directory, options), text_loader(options));
}

DirectoryDataset audio_dataset_from_directory(
    const std::string& directory, const AudioDatasetOptions& options) {
  return make_dataset(arguments_of(directory, options), sound_loader(options));
}

std::pair<DirectoryDataset, DirectoryDataset> audio_datasets_from_directory(
    const std::string& directory, const AudioDatasetOptions& options) {
  return make_both(arguments_of(directory, options), sound_loader(options));
}

}  // namespace keratin::utils
