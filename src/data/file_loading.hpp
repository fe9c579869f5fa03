#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <keratin/data/directory.hpp>

#include "src/data/directory_index.hpp"
#include "src/data/skip_list.hpp"

/// From paths to elements.
namespace keratin::utils {

/// What a file holds. Throws InvalidArgument naming the file when it is
/// damaged; safe from several threads.
using Load = std::function<Tensor(const std::string& path)>;

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

/// The arguments for pictures; `who` as in their errors.
DirectoryArguments picture_arguments(
    const char* who,
    const std::string& directory,
    const ImageDatasetOptions& options);

/// Decodes and resizes. Throws InvalidArgument starting with `who` for an
/// option that is none.
Load picture_loader(const char* who, const ImageDatasetOptions& options);

/// A part of the files, loaded in parallel. `skip`: damaged ones are left out.
DirectoryDataset make_part(
    const DirectoryArguments& arguments,
    const DirectoryIndex& index,
    const std::string& subset,
    bool shuffle,
    const Load& load,
    bool skip);

}  // namespace keratin::utils
