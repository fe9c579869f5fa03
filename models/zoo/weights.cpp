#include "models/zoo/weights.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <optional>
#include <set>

#include <keratin/error.hpp>

#include "models/file_kind.hpp"
#include "models/legacy/weights.hpp"
#include "src/core/env.hpp"
#include "src/core/format.hpp"
#include "src/io/download.hpp"
#include "src/io/mapped_file.hpp"

namespace keratin::applications {

namespace {

std::string last_part(const std::string& address) {
  return address.substr(address.rfind('/') + 1);
}

/// In the folder that KERATIN_DATA names, where people put files by hand.
std::optional<std::string> find_local(const std::string& name) {
  const auto folder = env::data_dir();
  if (!folder) return std::nullopt;
  for (const char* below : {"/", "/weights/"}) {
    const std::string path = *folder + below + name;

    struct stat info {};

    if (::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode)) return path;
  }
  return std::nullopt;
}

constexpr double kMebibyte = 1 << 20;

/// A line that is written over, for people who wait.
void show_progress(
    const std::string& name, std::uint64_t done, std::uint64_t of) {
  if (::isatty(STDERR_FILENO) == 0) return;
  const double mebibytes = static_cast<double>(done) / kMebibyte;
  if (of == 0) {
    std::fprintf(stderr, "\r%s: %.1f MiB", name.c_str(), mebibytes);
  } else {
    std::fprintf(
        stderr,
        "\r%s: %.1f of %.1f MiB",
        name.c_str(),
        mebibytes,
        static_cast<double>(of) / kMebibyte);
  }
  if (done == of) std::fputc('\n', stderr);
}

}  // namespace

std::string fetch_weights(const Published& weights) {
  const std::string name = last_part(weights.address);
  if (const auto path = find_local(name)) return *path;
  io::Download download;
  download.url = io::mirrored(weights.address);
  download.name = "models/" + name;
  (weights.hash.size() == 32 ? download.md5 : download.sha256) = weights.hash;
  download.progress = [&](std::uint64_t done, std::uint64_t of) {
    show_progress(name, done, of);
  };
  return io::fetch(download);
}

namespace {

/// Leaves the layers of the model, when they are all there.
void drop_top(const Model& model, legacy::SavedWeights& saved) {
  std::set<std::string> wanted;
  for (const Layer& layer : model.layers()) {
    if (!layer.weights().empty()) wanted.insert(layer.name());
  }
  const auto is_wanted = [&](const legacy::SavedLayer& layer) {
    return wanted.contains(layer.name);
  };
  const auto found = std::ranges::count_if(saved.layers, is_wanted);
  if (static_cast<std::size_t>(found) != wanted.size()) return;
  std::erase_if(saved.layers, std::not_fn(is_wanted));
}

}  // namespace

void load_weights(Model model, const std::string& path, bool include_top) {
  const io::SharedBytes content = io::map_file(path);
  if (!include_top && kind_of(content) == FileKind::hdf5) {
    const std::string name = last_part(path);
    const h5::File file(content, name);
    if (const auto group = legacy::weights_group(file)) {
      legacy::SavedWeights saved = legacy::read_group(*group, name);
      drop_top(model, saved);
      legacy::load_weights(model.model_impl(), saved, name, {});
      return;
    }
  }
  model.load_weights(path);
}

std::string fetch_class_index() {
  return fetch_weights(
      {"https://storage.googleapis.com/download.tensorflow.org/data/"
       "imagenet_class_index.json",
       "c2c37ea517e94d9795004a39431a14cb"});
}

}  // namespace keratin::applications
