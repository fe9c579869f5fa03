// Data sets of keras.datasets, beside what Keras makes of the same files
// (tests/data/make_keras_dataset_fixtures.py).

#include "src/data/keras_datasets.hpp"

#include <doctest/doctest.h>
#include <zlib.h>

#include <filesystem>
#include <string>
#include <vector>

#include <keratin/config.hpp>
#include <keratin/datasets.hpp>
#include <keratin/error.hpp>
#include <keratin/utils.hpp>

#include "src/core/env.hpp"
#include "src/io/pickle.hpp"
#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/range_server.hpp"
#include "tests/support/skip.hpp"
#include "tests/support/tar.hpp"
#include "tests/support/throws.hpp"

namespace keratin {

using datasets::Sequences;
using testing::message_of;

namespace {

std::string file_of(const std::string& name) {
  return testing::fixture("keras_datasets/" + name).string();
}

Config expected() {
  return Config::parse(testing::read_file(file_of("expected.json")));
}

std::optional<std::int64_t> number(
    const Config& given,
    const char* key,
    std::optional<std::int64_t> fallback) {
  const Config* const value = given.find(key);
  if (value == nullptr) return fallback;
  if (value->is_null()) return std::nullopt;
  return value->as_int();
}

template <class Options>
Options options_of(const Config& given) {
  Options out;
  out.num_words = number(given, "num_words", {});
  out.skip_top = *number(given, "skip_top", 0);
  out.maxlen = number(given, "maxlen", {});
  out.seed = static_cast<std::uint32_t>(*number(given, "seed", 113));
  out.start_char = number(given, "start_char", 1);
  out.oov_char = number(given, "oov_char", 2);
  out.index_from = *number(given, "index_from", 3);
  return out;
}

void check_same(const Sequences& part, const Config& wanted) {
  const auto& rows = wanted.at("x").as_array();
  REQUIRE(part.x.size() == rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    CHECK(part.x[i] == rows[i].as_ints());
  }
  CHECK(part.y == Tensor(wanted.at("y").as_ints()));
}

}  // namespace

TEST_CASE("IMDB and Reuters are Keras's, whatever the arguments") {
  const Config all = expected();
  for (const Config& item : all.at("imdb").as_array()) {
    const Config& given = item.at("arguments");
    CAPTURE(given.dump());
    const auto [train, test] = datasets::read_imdb(
        file_of("imdb.npz"), options_of<datasets::ImdbOptions>(given));
    check_same(train, item.at("train"));
    check_same(test, item.at("test"));
  }
  for (const Config& item : all.at("reuters").as_array()) {
    const Config& given = item.at("arguments");
    CAPTURE(given.dump());
    auto options = options_of<datasets::ReutersOptions>(given);
    if (given.contains("test_split")) {
      options.test_split = given.at("test_split").as_number();
    }
    const auto [train, test] =
        datasets::read_reuters(file_of("reuters.npz"), options);
    check_same(train, item.at("train"));
    check_same(test, item.at("test"));
  }
  CHECK(message_of<InvalidArgument>([] {
          datasets::read_imdb(file_of("imdb.npz"), {.maxlen = 1});
        }) == "[imdb] no text is shorter than maxlen=1; give a larger one");
  const auto names = datasets::reuters_label_names();
  CHECK(names.size() == 46);
  CHECK(names[3] == "earn");
}

TEST_CASE("Housing prices are Keras's, shuffled and split") {
  const Config all = expected();
  const auto values = [](const Config& list) {
    std::vector<double> out;
    for (const Config& item : list.as_array()) out.push_back(item.as_number());
    return out;
  };
  for (const char* const name : {"boston_housing", "california_housing"}) {
    for (const Config& item : all.at(name).as_array()) {
      const Config& given = item.at("arguments");
      CAPTURE(given.dump());
      const double split = given.get("test_split", 0.2).as_number();
      const auto seed =
          static_cast<std::uint32_t>(given.get("seed", 113).as_int());
      const bool boston = std::string(name) == "boston_housing";
      const std::string path = file_of(std::string(name) + ".npz");
      const auto [train, test] =
          boston ? datasets::read_boston_housing(path, {split, seed})
                 : datasets::read_california_housing(
                       path, {given.at("version").as_string(), split, seed});
      CHECK(train.y.to_vector<double>() == values(item.at("train")));
      CHECK(test.y.to_vector<double>() == values(item.at("test")));
      for (std::int64_t i = 0; i < train.y.size(); ++i) {
        CHECK(train.x[i].at(0) == 2 * train.y.at(i));
      }
    }
  }
  CHECK(message_of<InvalidArgument>([] {
          datasets::read_boston_housing(
              file_of("boston_housing.npz"), {.test_split = 1});
        }) == "[boston_housing] expected test_split from 0 to below 1, got 1");
  CHECK(
      message_of<InvalidArgument>([] {
        datasets::read_boston_housing(file_of("california_housing.npz"), {});
      }) ==
      "[california_housing.npz] expected floats x[n,13] and y[n], got "
      "f32[640,8] and f32[640]");
  CHECK(
      message_of<InvalidArgument>([] {
        datasets::read_california_housing(
            file_of("california_housing.npz"), {.version = "medium"});
      }) ==
      "[california_housing] expected version large or small, got "
      "\"medium\"");
}

TEST_CASE("CIFAR-100 has fine and coarse classes") {
  const testing::TempDir folder;
  const auto records = [](int count, int first) {
    std::string out(static_cast<std::size_t>(count) * 3074, '\0');
    out[0] = static_cast<char>(first);      // coarse
    out[1] = static_cast<char>(first + 1);  // fine
    out[2] = 10;                            // red of the first pixel
    out[2 + 2048 + 1] = 77;                 // blue of the second
    return out;
  };
  const std::string archive =
      testing::tar_member("cifar-100-binary/train.bin", records(50000, 7)) +
      testing::tar_member("cifar-100-binary/test.bin", records(10000, 11)) +
      std::string(1024, '\0');
  std::filesystem::create_directory(folder / "cifar100");
  gzFile file =
      gzopen((folder / "cifar100/cifar-100-binary.tar.gz").c_str(), "wb1");
  gzwrite(file, archive.data(), static_cast<unsigned>(archive.size()));
  gzclose(file);
  const env::ScopedSetting data("KERATIN_DATA", folder.path().string());
  const auto [train, test] = datasets::cifar100();
  CHECK(train.x.shape() == Shape{50000, 32, 32, 3});
  CHECK(test.y.shape() == Shape{10000, 1});
  CHECK(train.y[0].item<int>() == 8);
  CHECK(
      test.x[0][0].slice(0, 2) ==
      Tensor(std::vector<std::uint8_t>{10, 0, 0, 0, 0, 77}, {2, 3}));
  CHECK(datasets::cifar100("coarse").test.y[0].item<int>() == 11);
  CHECK(message_of<InvalidArgument>([] {
          datasets::cifar100("finest");
        }) == "[cifar100] expected label_mode fine or coarse, got \"finest\"");
}

TEST_CASE("They are fetched with Keras's checksums, and only with them") {
  const testing::TempDir served;
  const testing::TempDir cache;
  const testing::TempDir empty;
  const testing::RangeServer server(served.path());
  if (!server.running()) KERATIN_SKIP("python3 cannot be started");
  const env::ScopedSetting data("KERATIN_DATA", empty.path().string());
  const env::ScopedSetting where("KERATIN_CACHE", cache.path().string());
  const env::ScopedSetting online("KERATIN_OFFLINE", "0");
  const env::ScopedSetting mirror("KERATIN_MIRROR", server.url(""));
  const auto refused = [&](const std::string& name, const auto& load) {
    testing::write_file(served / name, "something else");
    const auto what = message_of<SystemError>(load);
    CAPTURE(what);
    CHECK(
        what.find("/" + name + ": checksum differs: expected ") !=
        std::string::npos);
    CHECK(std::filesystem::is_empty(cache.path()));
  };
  refused("imdb.npz", [] { datasets::imdb(); });
  refused("imdb_word_index.json", [] { datasets::imdb_word_index(); });
  refused("reuters.npz", [] { datasets::reuters(); });
  refused("reuters_word_index.json", [] { datasets::reuters_word_index(); });
  refused("boston_housing.npz", [] { datasets::boston_housing(); });
  refused("california_housing.npz", [] { datasets::california_housing(); });
  refused("cifar-100-binary.tar.gz", [] { datasets::cifar100(); });
}

TEST_CASE("They are found in KERATIN_DATA") {
  const env::ScopedSetting data(
      "KERATIN_DATA", testing::fixture("keras_datasets").string());
  CHECK(datasets::imdb().train.x.size() == 20);
  CHECK(datasets::boston_housing().test.y.size() == 8);
  const testing::TempDir folder;
  const env::ScopedSetting own("KERATIN_DATA", folder.path().string());
  testing::write_file(
      folder / "imdb_word_index.json", "{\"the\": 1, \"br\": 7}");
  CHECK(datasets::imdb_word_index().at("br") == 7);
  testing::write_file(folder / "imdb_word_index.json", "{\"the\": \"1\"}");
  CHECK(message_of<InvalidArgument>([] {
          datasets::imdb_word_index();
        }) == "[imdb_word_index.json] the: expected a rank, got \"1\"");
}

TEST_CASE("Sequences become arrays by pad_sequences") {
  const auto train =
      datasets::read_imdb(file_of("imdb.npz"), {.num_words = 20}).train;
  const Tensor x = utils::pad_sequences(train.x, {.maxlen = 5});
  CHECK(x.shape() == Shape{20, 5});
}

TEST_CASE("A pickle calls nothing but what rebuilds an array of lists") {
  const std::string header =
      "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n";
  const auto parse = [&](const std::string& pickle) {
    std::string file("\x93NUMPY\1\0", 8);
    file += static_cast<char>(header.size());
    file += '\0';
    file += header + pickle;
    return message_of<InvalidArgument>(
        [&] { io::parse_npy_of_lists(io::as_bytes(file), "[x]"); });
  };
  CHECK(
      parse("cos\nsystem\n(S'true'\ntR.") ==
      "[x]: expected a pickle of lists of integers, got one that calls 'os "
      "system'");
  CHECK(parse("]q\1h\1a.") == "[x]: expected a pickle of lists of integers");
  CHECK(parse("](K\1K\2e.") == "[x]: expected a pickle of lists of integers");
  // A list in many places is larger than the file.
  std::string many = "](](";
  for (int i = 0; i < 200; ++i) many += "K\1";
  many += "eq\1";
  for (int i = 0; i < 200; ++i) many += "h\1";
  CHECK(parse(many + "e.") == "[x]: expected lists of their own in a pickle");
  CHECK(parse("](](K\1K\2ee.") == "(nothing thrown)");
}

}  // namespace keratin
