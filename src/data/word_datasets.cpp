// IMDB and Reuters: texts as ranks of words.

#include <algorithm>
#include <random>

#include <keratin/config.hpp>
#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/data/directory_index.hpp"
#include "src/data/keras_datasets.hpp"
#include "src/data/published.hpp"
#include "src/data/shuffle.hpp"
#include "src/io/mapped_file.hpp"
#include "src/io/npy.hpp"
#include "src/io/pickle.hpp"
#include "src/io/zip.hpp"

namespace keratin::datasets {
namespace {

using Texts = std::vector<std::vector<std::int64_t>>;

struct Labelled {
  Texts x;
  std::vector<std::int64_t> y;
};

/// Unpacked, the archives are some 100 MB.
constexpr std::uint64_t kLimit = 512U << 20;

class Archive {
 public:
  explicit Archive(const std::string& path)
      : who_(format("[{}]", io::base_name(path))),
        zip_(io::ZipReader::open(path)) {}

  /// Texts and their labels, shuffled as Keras does: one generator for all
  /// parts.
  Labelled read(const char* x, const char* y, std::mt19937& bits) const {
    const Texts texts = io::parse_npy_of_lists(member(x).bytes, who_);
    const Tensor labels = io::parse_npy(member(y), who_);
    const auto count = static_cast<std::int64_t>(texts.size());
    if (labels.shape() != Shape{count} || labels.dtype() == DType::string) {
      throw InvalidArgument(format(
          "{} expected {} labels, got {}{}",
          who_,
          count,
          labels.dtype(),
          labels.shape()));
    }
    std::vector<std::int64_t> order = data::count_up(count);
    utils::numpy_shuffle(order, bits);
    const auto numbers = labels.to_vector<std::int64_t>();
    Labelled out;
    for (const std::int64_t at : order) {
      out.x.push_back(texts[static_cast<std::size_t>(at)]);
      out.y.push_back(numbers[static_cast<std::size_t>(at)]);
    }
    return out;
  }

 private:
  io::SharedBytes member(const char* name) const {
    const std::string file = std::string(name) + ".npy";
    if (!zip_.contains(file)) {
      throw InvalidArgument(format("{} has no array {}", who_, name));
    }
    return zip_.read(file, kLimit);
  }

  std::string who_;
  io::ZipReader zip_;
};

template <class Options>
void mark(Texts& texts, const Options& options) {
  for (auto& text : texts) {
    if (options.start_char || options.index_from != 0) {
      for (std::int64_t& word : text) word += options.index_from;
    }
    if (options.start_char) text.insert(text.begin(), *options.start_char);
  }
}

/// Keeps texts of fewer than `maxlen` words.
void cut_long(Labelled& all, const std::optional<std::int64_t>& maxlen) {
  if (!maxlen || *maxlen == 0) return;
  Labelled kept;
  for (std::size_t i = 0; i < all.x.size(); ++i) {
    if (static_cast<std::int64_t>(all.x[i].size()) >= *maxlen) continue;
    kept.x.push_back(std::move(all.x[i]));
    kept.y.push_back(all.y[i]);
  }
  all = std::move(kept);
}

std::int64_t largest(const Texts& texts) {
  std::int64_t most = 0;
  for (const auto& text : texts) {
    for (const std::int64_t word : text) most = std::max(most, word);
  }
  return most;
}

/// Replaces or drops words that are too rare or too frequent.
template <class Options>
void choose(Texts& texts, const Options& options, std::int64_t num_words) {
  const auto rare = [&](std::int64_t word) {
    return word < options.skip_top || word >= num_words;
  };
  for (auto& text : texts) {
    if (options.oov_char) {
      std::ranges::replace_if(text, rare, *options.oov_char);
    } else {
      std::erase_if(text, rare);
    }
  }
}

Sequences finished(Labelled all) {
  return {std::move(all.x), Tensor(all.y)};
}

std::string find_or_fetch(
    const char* name, const char* sha256, const char* md5 = "") {
  if (const auto path = data::find_data({name})) return *path;
  return data::fetch_published(
      {.url = std::string("https://storage.googleapis.com/tensorflow/"
                          "tf-keras-datasets/") +
              name,
       .name = name,
       .sha256 = sha256,
       .max_bytes = 64U << 20,
       .md5 = md5});
}

std::map<std::string, std::int64_t> word_index(const std::string& path) {
  const io::SharedBytes file = io::map_file(path);
  const std::string name = io::base_name(path);
  const Config index =
      Config::parse(std::string(io::as_text(file.bytes)), name);
  if (!index.is_object()) {
    throw InvalidArgument(format(
        "[{}] expected an object of words and ranks, got {}",
        name,
        index.kind()));
  }
  std::map<std::string, std::int64_t> out;
  for (const auto& [word, rank] : index.as_object()) {
    if (!rank.is_int()) {
      throw InvalidArgument(
          format("[{}] {}: expected a rank, got {}", name, word, rank.dump()));
    }
    out[word] = rank.as_int();
  }
  return out;
}

}  // namespace

SequencesTrainTest read_imdb(
    const std::string& path, const ImdbOptions& options) {
  const Archive archive(path);
  std::mt19937 bits(options.seed);
  Labelled train = archive.read("x_train", "y_train", bits);
  Labelled test = archive.read("x_test", "y_test", bits);
  for (Labelled* part : {&train, &test}) {
    mark(part->x, options);
    cut_long(*part, options.maxlen);
    if (part->x.empty()) {
      throw InvalidArgument(format(
          "[imdb] no text is shorter than maxlen={}; give a larger one",
          options.maxlen.value_or(0)));
    }
  }
  // As Keras: without num_words the rarest word is left out, too.
  const std::int64_t num_words =
      options.num_words.value_or(std::max(largest(train.x), largest(test.x)));
  choose(train.x, options, num_words);
  choose(test.x, options, num_words);
  return {finished(std::move(train)), finished(std::move(test))};
}

SequencesTrainTest read_reuters(
    const std::string& path, const ReutersOptions& options) {
  if (!(options.test_split >= 0 && options.test_split <= 1)) {
    throw InvalidArgument(format(
        "[reuters] expected test_split from 0 to 1, got {}",
        options.test_split));
  }
  std::mt19937 bits(options.seed);
  Labelled all = Archive(path).read("x", "y", bits);
  mark(all.x, options);
  cut_long(all, options.maxlen);
  choose(all.x, options, options.num_words.value_or(largest(all.x)));
  const auto train = static_cast<std::ptrdiff_t>(
      static_cast<double>(all.x.size()) * (1 - options.test_split));
  const auto part = [&](auto begin, auto end) {
    Labelled out;
    out.x.assign(all.x.begin() + begin, all.x.begin() + end);
    out.y.assign(all.y.begin() + begin, all.y.begin() + end);
    return finished(std::move(out));
  };
  return {part(std::ptrdiff_t{0}, train), part(train, std::ssize(all.x))};
}

SequencesTrainTest imdb(const ImdbOptions& options) {
  return read_imdb(
      find_or_fetch(
          "imdb.npz",
          "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"),
      options);
}

SequencesTrainTest reuters(const ReutersOptions& options) {
  return read_reuters(
      find_or_fetch(
          "reuters.npz",
          "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"),
      options);
}

std::map<std::string, std::int64_t> imdb_word_index() {
  return word_index(find_or_fetch(
      "imdb_word_index.json", "", "bfafd718b763782e994055a2d397834f"));
}

std::map<std::string, std::int64_t> reuters_word_index() {
  return word_index(find_or_fetch(
      "reuters_word_index.json", "", "4d44cc38712099c9e383dc6e5f11a921"));
}

std::vector<std::string> reuters_label_names() {
  return {"cocoa",        "grain",   "veg-oil",   "earn",
          "acq",          "wheat",   "copper",    "housing",
          "money-supply", "coffee",  "sugar",     "trade",
          "reserves",     "ship",    "cotton",    "carcass",
          "crude",        "nat-gas", "cpi",       "money-fx",
          "interest",     "gnp",     "meal-feed", "alum",
          "oilseed",      "gold",    "tin",       "strategic-metal",
          "livestock",    "retail",  "ipi",       "iron-steel",
          "rubber",       "heat",    "jobs",      "lei",
          "bop",          "zinc",    "orange",    "pet-chem",
          "dlr",          "gas",     "silver",    "wpi",
          "hog",          "lead"};
}

}  // namespace keratin::datasets
