#include "src/data/file_loading.hpp"

#include <algorithm>
#include <optional>

#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/data/channels.hpp"
#include "src/data/pipeline/nodes.hpp"
#include "src/data/tensorflow_resize.hpp"
#include "src/io/image_codec.hpp"
#include "src/io/mapped_file.hpp"

namespace keratin::utils {

using data::Dataset;
using data::Element;
using data::SkipList;

namespace {

/// The elements of files, in batches; damaged files are skipped when a list
/// for them is given.
Dataset load_files(
    const DirectoryArguments& arguments,
    const Dataset& paths,
    const Load& load,
    const std::shared_ptr<SkipList>& skipped) {
  Dataset dataset(data::make_map(
      paths.node(),
      [load, skipped](Element element, const data::MapContext&) {
        const std::string path = element.x.tensors()[0].data<std::string>()[0];
        element.x = TensorSet();
        try {
          element.x = load(path);
        } catch (const InvalidArgument& error) {
          if (!skipped) throw;
          skipped->add(path, error.what());
        } catch (const SystemError& error) {
          if (!skipped) throw;
          skipped->add(path, error.what());
        }
        return element;
      },
      {.num_parallel_calls = data::kAutotune},
      format("load {}", arguments.kind)));
  if (skipped) {
    dataset = dataset.filter([](const Element& e) { return !e.x.empty(); });
  }
  if (arguments.batch_size) {
    dataset = arguments.pads ? dataset.padded_batch(*arguments.batch_size)
                             : dataset.batch(*arguments.batch_size);
  }
  return dataset.prefetch(data::kAutotune);
}

io::ImageChannels channels_of(const char* who, const std::string& color_mode) {
  if (color_mode == "grayscale") return io::ImageChannels::grey;
  if (color_mode == "rgb") return io::ImageChannels::rgb;
  if (color_mode == "rgba") return io::ImageChannels::rgba;
  throw InvalidArgument(format(
      "{} expected color_mode grayscale, rgb or rgba, got \"{}\"",
      who,
      color_mode));
}

}  // namespace

DirectoryArguments picture_arguments(
    const char* who,
    const std::string& directory,
    const ImageDatasetOptions& options) {
  return arguments_of(
      who,
      "pictures",
      {".bmp", ".gif", ".jpeg", ".jpg", ".png"},
      directory,
      options);
}

DirectoryDataset make_part(
    const DirectoryArguments& arguments,
    const DirectoryIndex& index,
    const std::string& subset,
    bool shuffle,
    const Load& load,
    bool skip) {
  const DirectoryPart part = index.part(arguments, subset);
  auto skipped = skip ? std::make_shared<SkipList>() : nullptr;
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

Load picture_loader(const char* who, const ImageDatasetOptions& options) {
  const io::ImageChannels channels = channels_of(who, options.color_mode);
  data::check_tensorflow_method(who, options.interpolation);
  const auto fail = [who](const std::string& message) {
    throw InvalidArgument(format("{} {}", who, message));
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
  const bool first = data::is_channels_first(options.data_format, who);
  data::check_on_error(who, options.on_error);
  const data::AspectRatio ratio =
      options.crop_to_aspect_ratio  ? data::AspectRatio::crop
      : options.pad_to_aspect_ratio ? data::AspectRatio::pad
                                    : data::AspectRatio::ignore;
  return [=,
          size = options.image_size,
          method = options.interpolation,
          scaled = options.scaled_decoding](const std::string& path) {
    const io::SharedBytes file = io::load_file(path);
    const Tensor picture = data::tensorflow_resize(
        io::decode_image(
            file.bytes,
            channels,
            path,
            io::DecodeAs::tensorflow,
            scaled ? std::optional(size) : std::nullopt),
        size,
        method,
        ratio);
    return first ? data::with_channels_first(picture) : picture;
  };
}

}  // namespace keratin::utils
