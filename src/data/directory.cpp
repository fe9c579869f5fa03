#include <algorithm>
#include <mutex>
#include <utility>

#include <keratin/data/directory.hpp>
#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/core/log.hpp"
#include "src/data/channels.hpp"
#include "src/data/directory_index.hpp"
#include "src/data/tensorflow_resize.hpp"
#include "src/io/image_codec.hpp"
#include "src/io/mapped_file.hpp"
#include "src/io/wav.hpp"

namespace keratin::utils {

using data::Dataset;
using data::Element;

/// Messages of files that were left out, once each; for all threads.
class SkippedFiles {
 public:
  void add(const std::string& message) {
    const std::lock_guard lock(mutex_);
    if (std::ranges::find(messages_, message) != messages_.end()) return;
    messages_.push_back(message);
    log_message(
        LogChannel::warning,
        format("{}; skipped, {} so far", message, messages_.size()));
  }

  std::vector<std::string> messages() const {
    const std::lock_guard lock(mutex_);
    return messages_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> messages_;
};

namespace {

using Load = std::function<Tensor(const std::string& path)>;

constexpr const char* kImages = "[image_dataset_from_directory]";
constexpr const char* kTexts = "[text_dataset_from_directory]";
constexpr const char* kSounds = "[audio_dataset_from_directory]";

/// What all kinds of files have in their options.
template <class Options>
DirectoryArguments arguments_of(
    const char* who,
    const char* kind,
    std::vector<std::string> endings,
    const std::string& directory,
    const Options& options) {
  return {
      who,
      kind,
      std::move(endings),
      directory,
      options.labels,
      options.label_mode,
      options.class_names,
      options.batch_size,
      options.shuffle,
      options.seed,
      options.validation_split,
      options.subset,
      options.follow_links,
      options.verbose,
      options.label_list};
}

DirectoryArguments arguments_of(
    const std::string& directory, const ImageDatasetOptions& options) {
  return arguments_of(
      kImages,
      "pictures",
      {".bmp", ".gif", ".jpeg", ".jpg", ".png"},
      directory,
      options);
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

/// The elements of files, in batches; damaged files are skipped when a list
/// for them is given.
Dataset load_files(
    const DirectoryArguments& arguments,
    const Dataset& paths,
    const Load& load,
    const std::shared_ptr<SkippedFiles>& skipped) {
  Dataset dataset = paths.map(
      [load, skipped](Element element) {
        const std::string path = element.x.tensors()[0].data<std::string>()[0];
        element.x = {};
        try {
          element.x = load(path);
        } catch (const InvalidArgument& error) {
          if (!skipped) throw;
          skipped->add(error.what());
        }
        return element;
      },
      {.num_parallel_calls = data::kAutotune});
  if (skipped) {
    dataset = dataset.filter([](const Element& e) { return !e.x.empty(); });
  }
  if (arguments.batch_size) {
    dataset = arguments.pads ? dataset.padded_batch(*arguments.batch_size)
                             : dataset.batch(*arguments.batch_size);
  }
  return dataset.prefetch(data::kAutotune);
}

DirectoryDataset make_part(
    const DirectoryArguments& arguments,
    const DirectoryIndex& index,
    const std::string& subset,
    bool shuffle,
    const Load& load,
    bool skip) {
  const DirectoryPart part = index.part(arguments, subset);
  auto skipped = skip ? std::make_shared<SkippedFiles>() : nullptr;
  return {
      load_files(
          arguments,
          paths_dataset(arguments, index, part, shuffle),
          load,
          skipped),
      index.class_names,
      part.paths,
      skipped};
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

io::ImageChannels channels_of(const std::string& color_mode) {
  if (color_mode == "grayscale") return io::ImageChannels::grey;
  if (color_mode == "rgb") return io::ImageChannels::rgb;
  if (color_mode == "rgba") return io::ImageChannels::rgba;
  throw InvalidArgument(format(
      "{} expected color_mode grayscale, rgb or rgba, got \"{}\"",
      kImages,
      color_mode));
}

Load picture_loader(const ImageDatasetOptions& options) {
  const io::ImageChannels channels = channels_of(options.color_mode);
  data::check_tensorflow_method(kImages, options.interpolation);
  const auto fail = [](const std::string& message) {
    throw InvalidArgument(format("{} {}", kImages, message));
  };
  const auto [height, width] = options.image_size;
  if (height < 1 || width < 1) {
    fail(format(
        "expected image_size (height, width) >= 1, got ({}, {})",
        height,
        width));
  }
  if (options.crop_to_aspect_ratio && options.pad_to_aspect_ratio) {
    fail("takes crop_to_aspect_ratio or pad_to_aspect_ratio, not both");
  }
  const bool first = data::is_channels_first(options.data_format, kImages);
  if (options.on_error != "raise" && options.on_error != "skip") {
    fail(format(
        "expected on_error raise or skip, got \"{}\"", options.on_error));
  }
  const data::AspectRatio ratio =
      options.crop_to_aspect_ratio  ? data::AspectRatio::crop
      : options.pad_to_aspect_ratio ? data::AspectRatio::pad
                                    : data::AspectRatio::ignore;
  return [=, size = options.image_size, method = options.interpolation](
             const std::string& path) {
    const io::SharedBytes file = io::map_file(path);
    const Tensor picture = data::tensorflow_resize(
        io::decode_image(file.bytes, channels, path, io::DecodeAs::tensorflow),
        size,
        method,
        ratio);
    return first ? data::with_channels_first(picture) : picture;
  };
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
    std::shared_ptr<const SkippedFiles> skipped)
    : Dataset(std::move(dataset)),
      class_names_(std::move(class_names)),
      file_paths_(std::move(file_paths)),
      skipped_(std::move(skipped)) {}

std::vector<std::string> DirectoryDataset::skipped() const {
  return skipped_ ? skipped_->messages() : std::vector<std::string>();
}

DirectoryDataset image_dataset_from_directory(
    const std::string& directory, const ImageDatasetOptions& options) {
  const Load load = picture_loader(options);
  return make_dataset(
      arguments_of(directory, options), load, options.on_error == "skip");
}

std::pair<DirectoryDataset, DirectoryDataset> image_datasets_from_directory(
    const std::string& directory, const ImageDatasetOptions& options) {
  const Load load = picture_loader(options);
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
