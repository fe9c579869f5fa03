#include "src/data/directory_index.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <set>
#include <system_error>

#include <keratin/error.hpp>
#include <keratin/random.hpp>

#include "src/core/format.hpp"
#include "src/core/log.hpp"

namespace keratin::utils {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail_to_read(
    const char* who, const std::string& path, const std::error_code& code) {
  throw SystemError(format(
      "{} cannot read folder {}: {}; give a folder that exists and may be read",
      who,
      path,
      code.message()));
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

bool has_ending(std::string name, const std::vector<std::string>& endings) {
  std::ranges::transform(name, name.begin(), [](unsigned char letter) {
    return static_cast<char>(std::tolower(letter));
  });
  return std::ranges::any_of(endings, [&](const std::string& ending) {
    return name.ends_with(ending);
  });
}

/// Calls `f` with what lies in a folder; what went wrong, if something did.
template <class F>
std::error_code for_each_entry(const fs::path& folder, const F& f) {
  std::error_code code;
  fs::directory_iterator entries(folder, code);
  for (; !code && entries != fs::directory_iterator();
       entries.increment(code)) {
    f(*entries);
  }
  return code;
}

/// Whether this is a folder or a link to one. As Python's: links to nothing
/// and links in a circle are none.
bool is_folder(const fs::directory_entry& entry) {
  std::error_code code;
  return entry.is_directory(code) && !code;
}

/// Names of the folders in a folder, sorted; hidden ones are left out.
std::vector<std::string> subfolders(const DirectoryArguments& arguments) {
  std::vector<std::string> names;
  const std::error_code code =
      for_each_entry(arguments.directory, [&](const fs::directory_entry& e) {
        const std::string name = e.path().filename().string();
        if (!name.starts_with('.') && is_folder(e)) names.push_back(name);
      });
  if (code) fail_to_read(arguments.who, arguments.directory, code);
  std::ranges::sort(names);
  return names;
}

/// Files below a folder, in the order of os.walk sorted by folder: by the
/// folder's path, then by name.
class FileWalk {
 public:
  explicit FileWalk(const DirectoryArguments& arguments)
      : arguments_(arguments) {}

  std::vector<std::string> run(const fs::path& folder) {
    walk(folder);
    std::ranges::sort(found_);
    std::vector<std::string> paths;
    for (const auto& [parent, name] : found_) {
      paths.push_back(parent + "/" + name);
    }
    return paths;
  }

 private:
  void walk(const fs::path& folder) {
    if (!enter(folder)) return;
    std::vector<fs::path> inside;
    const std::error_code code =
        for_each_entry(folder, [&](const fs::directory_entry& entry) {
          std::string name = entry.path().filename().string();
          if (is_folder(entry)) {
            std::error_code unused;
            const bool link = entry.is_symlink(unused);
            if (!link || arguments_.follow_links) {
              inside.push_back(entry.path());
            }
          } else if (has_ending(name, arguments_.endings)) {
            found_.emplace_back(folder.string(), std::move(name));
          }
        });
    if (code) {
      // Keras passes over what it may not read, without a word.
      if (folder == fs::path(arguments_.directory)) {
        fail_to_read(arguments_.who, folder.string(), code);
      }
      warn(folder, code.message() + "; its files are left out");
    }
    for (const fs::path& below : inside) walk(below);
    above_.pop_back();
  }

  /// False for a folder that is being walked already: a link leads back to it.
  bool enter(const fs::path& folder) {
    std::error_code code;
    fs::path real = fs::canonical(folder, code);
    if (code) real = folder;
    if (std::ranges::find(above_, real) != above_.end()) {
      warn(folder, "a link back to " + real.string() + "; not followed");
      return false;
    }
    above_.push_back(std::move(real));
    return true;
  }

  void warn(const fs::path& folder, const std::string& what) const {
    log_message(
        LogChannel::warning,
        format("{} folder {}: {}", arguments_.who, folder.string(), what));
  }

  const DirectoryArguments& arguments_;
  std::vector<fs::path> above_;  // the folders being walked, links resolved
  std::vector<std::pair<std::string, std::string>> found_;
};

std::vector<std::string> files_below(
    const DirectoryArguments& arguments, const fs::path& folder) {
  return FileWalk(arguments).run(folder);
}

bool wants_labels(const DirectoryArguments& arguments) {
  return arguments.label_mode != "none" &&
         (arguments.labels != "none" || !arguments.label_list.empty());
}

void check(const DirectoryArguments& arguments) {
  const auto one_of = [&](const char* what,
                          const std::string& value,
                          const std::vector<std::string>& known) {
    if (std::ranges::find(known, value) != known.end()) return;
    throw InvalidArgument(format(
        "{} expected {} to be one of {}, got \"{}\"",
        arguments.who,
        what,
        listed(known),
        value));
  };
  const auto require = [&](bool holds, const std::string& message) {
    if (!holds) throw InvalidArgument(format("{} {}", arguments.who, message));
  };
  one_of("labels", arguments.labels, {"inferred", "none"});
  std::vector<std::string> modes = {"int", "categorical", "binary", "none"};
  if (arguments.listed) modes.emplace_back("float");
  one_of("label_mode", arguments.label_mode, modes);
  require(
      !arguments.batch_size || *arguments.batch_size >= 1,
      format(
          "expected batch_size >= 1, got {}",
          arguments.batch_size.value_or(0)));
  require(
      arguments.class_names.empty() ||
          (arguments.labels == "inferred" && arguments.label_list.empty()),
      "takes class_names only with labels \"inferred\"");
  if (arguments.subset.empty() != !arguments.validation_split) {
    require(false, "needs validation_split and subset together");
  }
  if (!arguments.validation_split) return;
  one_of("subset", arguments.subset, {"training", "validation", "both"});
  const double share = *arguments.validation_split;
  require(
      share > 0 && share < 1,
      format("expected validation_split between 0 and 1, got {}", share));
  require(
      !arguments.shuffle || arguments.seed.has_value(),
      "needs a seed to split shuffled files, so that the parts do not "
      "overlap");
}

/// Class i of every file below the i-th folder.
DirectoryIndex index_classes(const DirectoryArguments& arguments) {
  DirectoryIndex index;
  const std::vector<std::string> folders = subfolders(arguments);
  for (const std::string& name : arguments.class_names) {
    if (std::ranges::find(folders, name) != folders.end()) continue;
    throw InvalidArgument(format(
        "{} class_names: expected folders of {} ({}), got \"{}\"",
        arguments.who,
        arguments.directory,
        listed(folders),
        name));
  }
  index.class_names =
      arguments.class_names.empty() ? folders : arguments.class_names;
  for (std::size_t i = 0; i < index.class_names.size(); ++i) {
    for (std::string& path : files_below(
             arguments, fs::path(arguments.directory) / index.class_names[i])) {
      index.all.paths.push_back(std::move(path));
      index.all.labels.push_back(static_cast<std::int32_t>(i));
    }
  }
  return index;
}

DirectoryIndex index_files(const DirectoryArguments& arguments) {
  if (arguments.label_list.empty() && arguments.labels == "inferred") {
    DirectoryIndex index = index_classes(arguments);
    if (!wants_labels(arguments)) {
      // As Keras: without targets the folders do not matter.
      index = {};
      index.all.paths = files_below(arguments, arguments.directory);
    }
    return index;
  }
  DirectoryIndex index;
  index.all.paths = files_below(arguments, arguments.directory);
  if (!wants_labels(arguments)) return index;
  if (arguments.label_list.size() != index.all.paths.size()) {
    throw InvalidArgument(format(
        "{} expected a label for each of the {} files, got {}",
        arguments.who,
        index.all.paths.size(),
        arguments.label_list.size()));
  }
  const std::set<std::int64_t> distinct(
      arguments.label_list.begin(), arguments.label_list.end());
  for (const std::int64_t label : distinct) {
    index.class_names.push_back(format("{}", label));
  }
  for (const std::int64_t label : arguments.label_list) {
    index.all.labels.push_back(static_cast<std::int32_t>(label));
  }
  return index;
}

/// The labels as `label_mode` wants them, one row each.
TensorSet targets(
    const DirectoryArguments& arguments,
    const DirectoryPart& part,
    std::size_t num_classes) {
  if (!wants_labels(arguments)) return {};
  if (arguments.label_mode == "float") return Tensor(part.values);
  const auto rows = static_cast<std::int64_t>(part.labels.size());
  const Tensor labels(part.labels);
  if (arguments.label_mode == "int") return labels;
  if (arguments.label_mode == "binary") {
    return labels.cast(DType::f32).reshape({rows, 1});
  }
  Tensor one_hot(DType::f32, {rows, static_cast<std::int64_t>(num_classes)});
  auto values = one_hot.mutable_data<float>();
  for (std::size_t i = 0; i < part.labels.size(); ++i) {
    const auto label = static_cast<std::size_t>(part.labels[i]);
    if (label < num_classes) values[i * num_classes + label] = 1;
  }
  return one_hot;
}

/// What is left to do once the files are known.
DirectoryIndex finish(
    const DirectoryArguments& arguments, DirectoryIndex index) {
  if (wants_labels(arguments) && arguments.label_mode == "binary" &&
      index.class_names.size() != 2) {
    throw InvalidArgument(format(
        "{} label_mode \"binary\" needs 2 classes, got {}: {}",
        arguments.who,
        index.class_names.size(),
        listed(index.class_names)));
  }
  if (arguments.verbose) {
    std::string classes;
    if (!index.class_names.empty()) {
      classes = format(" belonging to {} classes", index.class_names.size());
    }
    log_message(
        LogChannel::info,
        format("Found {} files{}.", index.all.paths.size(), classes));
  }
  index.seed = arguments.seed.value_or(static_cast<std::uint32_t>(next_seed()));
  if (arguments.shuffle) {
    numpy_shuffle(index.all.paths, index.seed);
    numpy_shuffle(index.all.labels, index.seed);
    numpy_shuffle(index.all.values, index.seed);
  }
  return index;
}

}  // namespace

DirectoryIndex index_directory(const DirectoryArguments& arguments) {
  check(arguments);
  DirectoryIndex index = index_files(arguments);
  if (index.all.paths.empty()) {
    throw InvalidArgument(format(
        "{} found no {} in {}; expected files ending in {}{}",
        arguments.who,
        arguments.kind,
        arguments.directory,
        listed(arguments.endings),
        arguments.labels == "inferred" ? " in a folder for each class" : ""));
  }
  return finish(arguments, std::move(index));
}

DirectoryIndex index_listed(
    const DirectoryArguments& arguments, DirectoryIndex files) {
  check(arguments);
  return finish(arguments, std::move(files));
}

DirectoryPart DirectoryIndex::part(
    const DirectoryArguments& arguments, const std::string& subset) const {
  if (subset.empty()) return all;
  const auto count = static_cast<std::ptrdiff_t>(all.paths.size());
  const auto validation = static_cast<std::ptrdiff_t>(
      *arguments.validation_split * static_cast<double>(count));
  const bool training = subset == "training";
  const std::ptrdiff_t begin = training ? 0 : count - validation;
  const std::ptrdiff_t end = training ? count - validation : count;
  if (begin == end) {
    throw InvalidArgument(format(
        "{} validation_split {} leaves no {} data of {} files",
        arguments.who,
        *arguments.validation_split,
        subset,
        count));
  }
  if (arguments.verbose) {
    log_message(
        LogChannel::info,
        format("Using {} files for {}.", end - begin, subset));
  }
  DirectoryPart out;
  out.paths.assign(all.paths.begin() + begin, all.paths.begin() + end);
  if (!all.labels.empty()) {
    out.labels.assign(all.labels.begin() + begin, all.labels.begin() + end);
  }
  if (!all.values.empty()) {
    out.values.assign(all.values.begin() + begin, all.values.begin() + end);
  }
  return out;
}

data::Dataset paths_dataset(
    const DirectoryArguments& arguments,
    const DirectoryIndex& index,
    const DirectoryPart& part,
    bool shuffle) {
  const data::Dataset paths = data::Dataset::from_tensor_slices(
      Tensor(part.paths), targets(arguments, part, index.class_names.size()));
  if (!shuffle) return paths;
  return paths.shuffle(
      arguments.batch_size ? *arguments.batch_size * 8 : 1024,
      {.seed = index.seed});
}

}  // namespace keratin::utils
