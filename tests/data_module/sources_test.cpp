// Datasets of CSV, TFRecord, HDF5 and .npz files.

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <keratin/data/sources.hpp>
#include <keratin/error.hpp>
#include <keratin/io/npy.hpp>

#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/throws.hpp"

namespace keratin {

using data::csv_dataset;
using data::Dataset;
using data::Element;
using data::FileDataset;
using testing::message_of;
using testing::TempDir;

namespace {

constexpr const char* kPeople =
    "name,age,city,height,smokes\n"
    "\"Ann, B.\",31,Rome,1.7,no\n"
    "Bob,NA,Oslo,,yes\n"
    "Cid,28,Rome,1.9,no\n"
    "Dee,45,,1.6,no\n";

std::vector<Element> elements(const Dataset& dataset) {
  std::vector<Element> out;
  for (const Element& element : dataset) out.push_back(element);
  return out;
}

const Tensor& named(const Element& element, const std::string& name) {
  const auto& names = element.x.names();
  const auto at = std::ranges::find(names, name) - names.begin();
  return element.x.tensors().at(static_cast<std::size_t>(at));
}

}  // namespace

TEST_CASE("Columns of a CSV file are numbers, categories and texts") {
  const TempDir folder;
  const std::string path = (folder / "people.csv").string();
  testing::write_file(path, kPeople);
  const std::vector<Element> rows =
      elements(csv_dataset(path, {.target = "smokes"}));
  REQUIRE(rows.size() == 4);
  CHECK(
      rows[0].x.names() ==
      std::vector<std::string>{"name", "age", "city", "height"});
  CHECK(named(rows[0], "age").dtype() == DType::f32);
  CHECK(named(rows[0], "age").shape() == Shape{});
  CHECK(named(rows[2], "age").item<float>() == 28);
  CHECK(std::isnan(named(rows[1], "age").item<float>()));
  CHECK(named(rows[1], "city").item<int>() == 0);  // Oslo, Rome
  CHECK(named(rows[2], "city").item<int>() == 1);
  CHECK(named(rows[3], "city").item<int>() == -1);
  CHECK(named(rows[0], "city").dtype() == DType::i64);
  CHECK(rows[1].y.tensors()[0].item<int>() == 1);  // no, yes

  const std::vector<Element> chosen = elements(csv_dataset(
      path,
      {.columns = {
           {.name = "height", .dtype = DType::f64, .fill = 1.5},
           {.name = "name", .kind = "text"},
           {.name = "age", .dtype = DType::i32, .fill = -1},
           {.name = "city",
            .kind = "category",
            .categories = {"Rome", "Oslo", "Bonn"}}}}));
  CHECK(named(chosen[1], "height").item<double>() == 1.5);
  CHECK(named(chosen[0], "name").data<std::string>()[0] == "Ann, B.");
  CHECK(named(chosen[1], "age").dtype() == DType::i32);
  CHECK(named(chosen[1], "age").item<int>() == -1);
  CHECK(named(chosen[1], "city").item<int>() == 1);
  CHECK(chosen[0].y.empty());
}

TEST_CASE("Rows of a CSV file come stacked, in batches, shuffled") {
  const TempDir folder;
  const std::string path = (folder / "x.tsv").string();
  std::string text = "a\tb\tc\n";
  for (int i = 0; i < 3000; ++i) {
    text += std::to_string(i) + "\t" + (i % 2 ? "odd" : "even") + "\t" +
            std::to_string(0.5 * i) + "\n";
  }
  testing::write_file(path, text);
  const FileDataset rows = csv_dataset(
      path,
      {.csv = {.delimiter = '\0'},
       .target = "c",
       .stacked = true,
       .batch_size = 128});
  std::int64_t count = 0;
  for (const Element& batch : rows) {
    const Tensor& x = batch.x.tensors()[0];
    CHECK(x.shape()[1] == 2);
    for (std::int64_t i = 0; i < x.shape()[0]; ++i, ++count) {
      CHECK(x[i].at(0) == static_cast<double>(count));
      CHECK(x[i].at(1) == static_cast<double>(count % 2));
      CHECK(batch.y.tensors()[0].at(i) == 0.5 * static_cast<double>(count));
    }
  }
  CHECK(count == 3000);

  const FileDataset mixed = csv_dataset(
      path,
      {.csv = {.delimiter = '\t'},
       .stacked = true,
       .shuffle_buffer = 500,
       .seed = 3});
  std::vector<double> order;
  for (const Element& row : mixed) order.push_back(row.x.tensors()[0].at(0));
  CHECK_FALSE(std::ranges::is_sorted(order));
  std::ranges::sort(order);
  CHECK(order.front() == 0);
  CHECK(order.back() == 2999);
  CHECK(std::ranges::adjacent_find(order) == order.end());

  // A pass goes on from where it stood.
  auto pass = mixed.iterate();
  for (int i = 0; i < 1500; ++i) pass.next();
  auto again = mixed.resume(pass.state());
  CHECK(again.next()->x.tensors()[0] == pass.next()->x.tensors()[0]);
}

TEST_CASE("Missing values and bad lines are kept, skipped or refused") {
  const TempDir folder;
  const std::string path = (folder / "p.csv").string();
  testing::write_file(path, kPeople);
  data::CsvDatasetOptions options{
      .columns = {{.name = "age"}, {.name = "height"}}, .missing = "skip"};
  CHECK(elements(csv_dataset(path, options)).size() == 3);
  options.missing = "raise";
  CHECK(
      message_of<InvalidArgument>([&] {
        elements(csv_dataset(path, options));
      }).find("[p.csv] line 3: column 'age' has no value; give it a fill") !=
      std::string::npos);
  CHECK(
      message_of<InvalidArgument>([&] {
        elements(csv_dataset(
            path, {.columns = {{.name = "age", .dtype = DType::i64}}}));
      })
          .find("[p.csv] line 3: column 'age' has no value, which integers "
                "cannot say") != std::string::npos);

  std::string text = "a,b\n";
  for (int i = 0; i < 1500; ++i) text += "1,2\n";
  testing::write_file(path, text + "3\nx,2\n5,6\n7,8,9\n");
  const std::vector<data::CsvColumn> numbers = {{.name = "a"}, {.name = "b"}};
  CHECK(
      message_of<InvalidArgument>([&] {
        elements(csv_dataset(path, {.columns = numbers}));
      }).find("[p.csv] line 1502: expected 2 fields, got 1") !=
      std::string::npos);
  const FileDataset some =
      csv_dataset(path, {.columns = numbers, .on_error = "skip"});
  CHECK(elements(some).size() == 1501);
  CHECK(elements(some).size() == 1501);  // counted once
  CHECK(some.skipped_count() == 3);
  REQUIRE(some.skipped().size() == 3);
  CHECK(
      some.skipped()[1] ==
      "[p.csv] line 1503: column 'a' expected a number, got 'x'");
}

TEST_CASE("What a CSV file does not have is refused before anything is read") {
  const TempDir folder;
  const std::string path = (folder / "p.csv").string();
  testing::write_file(path, kPeople);
  const auto problem = [&](const data::CsvDatasetOptions& options) {
    return message_of<InvalidArgument>([&] { csv_dataset(path, options); });
  };
  CHECK(
      problem({.columns = {{.name = "agee"}}}) ==
      "[csv_dataset] no column of p.csv is called 'agee'; did you mean "
      "\"age\"?");
  CHECK(problem({.target = "smoke"})
            .starts_with(
                "[csv_dataset] no column that is read is called 'smoke', the "
                "target"));
  CHECK(
      problem({.columns = {{.name = "age", .kind = "float"}}}) ==
      "[csv_dataset] expected the kind of a column to be one of number, "
      "category, text, got \"float\"");
  CHECK(
      problem({.columns = {{.name = "name", .kind = "text"}}, .stacked = true})
          .starts_with(
              "[csv_dataset] column 'name' holds texts, which cannot be "
              "stacked"));
  CHECK(
      problem({.missing = "drop"}).find("missing to be one of") !=
      std::string::npos);
  CHECK(
      problem({.on_error = "ignore"}) ==
      "[csv_dataset] expected on_error raise or skip, got \"ignore\"");
  CHECK(message_of<SystemError>([&] {
          csv_dataset((folder / "none.csv").string());
        }).find("open failed") != std::string::npos);
}

TEST_CASE("Examples of TFRecord files become elements") {
  const std::string path =
      testing::fixture("records/examples.tfrecord").string();
  const std::vector<std::string> files = {
      path, testing::fixture("records/examples_gzip.tfrecord").string()};
  const FileDataset records = data::tfrecord_dataset(files);
  CHECK(elements(records).size() == 10);
  const data::TfExampleOptions options{
      .x =
          {{.name = "picture", .shape = {4, 6, 3}, .picture = true},
           {.name = "numbers",
            .shape = {3},
            .default_value = Tensor(DType::f32, {3})}},
      .y = {{.name = "label", .dtype = DType::i32}}};
  const auto rows = elements(data::parse_tf_examples(records, options));
  REQUIRE(rows.size() == 10);
  CHECK(named(rows[3], "picture").shape() == Shape{4, 6, 3});
  CHECK(named(rows[3], "picture").at(0) == 30);
  CHECK(named(rows[3], "numbers").at(1) == -3);
  CHECK(named(rows[4], "numbers").at(0) == 0);  // it has none
  CHECK(rows[2].y.tensors()[0].item<int>() == 2);
  CHECK(rows[2].y.tensors()[0].dtype() == DType::i32);

  const auto problem = [&](data::TfFeature feature) {
    return message_of<InvalidArgument>([&] {
      elements(data::parse_tf_examples(
          records, {.x = {std::move(feature)}, .num_parallel_calls = 2}));
    });
  };
  CHECK(
      problem({.name = "numbers", .shape = {3}})
          .find("element 4: [parse_tf_examples] the example has no feature "
                "'numbers'") != std::string::npos);
  CHECK(
      problem({.name = "numbers", .shape = {2}})
          .find("feature 'numbers': expected 2 values, got 3") !=
      std::string::npos);
  CHECK(
      problem({.name = "name", .shape = {2}})
          .find("feature 'name': expected numbers, got str") !=
      std::string::npos);
  const FileDataset some = data::parse_tf_examples(
      records, {.x = {{.name = "numbers", .shape = {3}}}, .on_error = "skip"});
  CHECK(elements(some).size() == 8);
  CHECK(some.skipped_count() == 2);
}

TEST_CASE("A damaged TFRecord file names itself, or its records are skipped") {
  const TempDir folder;
  const std::string path = (folder / "x.tfrecord").string();
  std::string bytes =
      testing::read_file(testing::fixture("records/texts.tfrecord"));
  bytes[16 + 12] ^= 1;
  testing::write_file(path, bytes);
  CHECK(
      message_of<InvalidArgument>([&] {
        elements(data::tfrecord_dataset({path}));
      }).find("element 1: [x.tfrecord] record 1 at byte 16: the checksum") !=
      std::string::npos);
  const FileDataset some = data::tfrecord_dataset({path}, "skip");
  CHECK(elements(some).size() == 2);
  CHECK(some.skipped_count() == 1);
  CHECK(message_of<SystemError>([&] {
          data::tfrecord_dataset({path, (folder / "none").string()});
        }).find("open failed") != std::string::npos);
}

TEST_CASE("Arrays in HDF5 and .npz files are datasets") {
  const TempDir folder;
  const std::string path = (folder / "x.npz").string();
  io::save_npz(
      path,
      {{"x", Tensor(std::vector<float>{1, 2, 3, 4, 5, 6}, {3, 2})},
       {"y", Tensor(std::vector<std::int64_t>{0, 1, 0})}});
  const auto rows = elements(data::npz_dataset(path));
  REQUIRE(rows.size() == 3);
  CHECK(rows[1].x.tensors()[0] == Tensor(std::vector<float>{3, 4}));
  CHECK(
      elements(data::npz_dataset(path, {.y = "", .batch_size = 2})).size() ==
      2);
  CHECK(message_of<InvalidArgument>([&] {
          data::npz_dataset(path, {.x = "xs"});
        }) == "[x.npz] has no array 'xs'; did you mean \"x\"?");

  const std::string h5 = testing::fixture("io/earliest.h5").string();
  const auto numbers = elements(
      data::hdf5_dataset(h5, {.x = "numbers/le_f4", .y = "numbers/le_i4"}));
  REQUIRE(numbers.size() == 2);
  CHECK(numbers[1].x.tensors()[0] == Tensor(std::vector<float>{3, 4, 5}));
  CHECK(message_of<InvalidArgument>([&] {
          data::hdf5_dataset(h5, {.x = "nothing"});
        }).find("nothing") != std::string::npos);
}

}  // namespace keratin
