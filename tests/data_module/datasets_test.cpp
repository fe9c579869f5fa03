#include <doctest/doctest.h>
#include <sys/stat.h>
#include <zlib.h>

#include <filesystem>
#include <numeric>
#include <string>

#include <keratin/datasets.hpp>
#include <keratin/error.hpp>
#include <keratin/io/npy.hpp>

#include "src/core/env.hpp"
#include "src/data/cifar.hpp"
#include "src/data/mnist.hpp"
#include "src/data/tar.hpp"
#include "src/io/sha256.hpp"
#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/range_server.hpp"
#include "tests/support/skip.hpp"
#include "tests/support/tar.hpp"
#include "tests/support/throws.hpp"

namespace keratin {

using testing::message_of;
using testing::tar_member;

namespace {

double sum(const Tensor& x) {
  const auto values = x.to_vector<double>();
  return std::accumulate(values.begin(), values.end(), 0.0);
}

void write_gzip(const std::filesystem::path& path, const std::string& text) {
  gzFile file = gzopen(path.c_str(), "wb1");
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
}

}  // namespace

TEST_CASE("The digits are scikit-learn's") {
  const auto [x, y] = datasets::digits();
  CHECK(x.shape() == Shape{1797, 8, 8});
  CHECK(x.dtype() == DType::f32);
  CHECK(y.shape() == Shape{1797});
  CHECK(y.dtype() == DType::i64);
  CHECK(sum(x) == 561718);
  CHECK(sum(y) == 8070);
  CHECK(x[1][0] == Tensor(std::vector<float>{0, 0, 0, 12, 13, 5, 0, 0}));
  CHECK(y.at(1796) == 8);
}

TEST_CASE("The breast cancer table is scikit-learn's") {
  const auto table = datasets::breast_cancer();
  CHECK(table.x.shape() == Shape{569, 30});
  CHECK(sum(table.x) == doctest::Approx(1056474.46).epsilon(1e-7));
  CHECK(sum(table.y) == 357);
  CHECK(table.feature_names.size() == 30);
  CHECK(table.feature_names[0] == "mean radius");
  CHECK(table.feature_names[13] == "area error");
  CHECK(table.feature_names[29] == "worst fractal dimension");
  CHECK(table.class_names == std::vector<std::string>{"malignant", "benign"});
}

TEST_CASE("MNIST reads from the outside data, from the original files") {
  const auto folder = testing::data_dir();
  if (!std::filesystem::exists(folder / "datasets/mnist")) {
    KERATIN_SKIP("no datasets/mnist under KERATIN_DATA");
  }
  const env::ScopedSetting data("KERATIN_DATA", folder.string());
  const auto [train, test] = datasets::mnist();
  CHECK(train.x.shape() == Shape{60000, 28, 28});
  CHECK(test.x.shape() == Shape{10000, 28, 28});
  CHECK(
      train.y.slice(0, 5) == Tensor(std::vector<std::uint8_t>{5, 0, 4, 1, 9}));
  CHECK(test.y.slice(0, 3) == Tensor(std::vector<std::uint8_t>{7, 2, 1}));
  CHECK(sum(train.x[0]) == 27525);
}

TEST_CASE("MNIST reads from Keras's archive and checks its shapes") {
  const testing::TempDir folder;
  const env::ScopedSetting data("KERATIN_DATA", folder.path().string());
  std::map<std::string, Tensor> arrays = {
      {"x_train", Tensor(DType::u8, {60000, 28, 28})},
      {"y_train", Tensor(DType::u8, {60000})},
      {"x_test", Tensor(DType::u8, {10000, 28, 28})},
      {"y_test", Tensor(DType::u8, {10000})}};
  const std::string path = (folder / "mnist.npz").string();
  io::save_npz(path, arrays);
  CHECK(datasets::mnist().test.y.size() == 10000);
  arrays["y_test"] = Tensor(DType::u8, {9});
  io::save_npz(path, arrays);
  CHECK(message_of<InvalidArgument>([] {
          datasets::mnist();
        }) == "[mnist.npz] expected u8[10000], got u8[9]");
  arrays.erase("y_test");
  io::save_npz(path, arrays);
  CHECK(message_of<InvalidArgument>([] {
          datasets::mnist();
        }) == "[mnist.npz] has no array y_test");
}

TEST_CASE("CIFAR-10's planes become channels") {
  const testing::TempDir folder;
  std::filesystem::create_directory(folder / "cifar10");
  std::string archive;
  for (int batch = 1; batch <= 6; ++batch) {
    std::string records(10000 * 3073, '\0');
    records[0] = static_cast<char>(batch);           // the class
    records[1] = static_cast<char>(10);              // red of the first pixel
    records[1 + 1024] = static_cast<char>(20);       // green
    records[1 + 2048 + 1] = static_cast<char>(200);  // blue of the second
    const std::string name =
        batch < 6 ? "data_batch_" + std::to_string(batch) + ".bin"
                  : "test_batch.bin";
    archive += tar_member("cifar-10-batches-bin/" + name, records);
  }
  archive += std::string(1024, '\0');
  write_gzip(folder / "cifar10/cifar-10-binary.tar.gz", archive);
  const env::ScopedSetting data("KERATIN_DATA", folder.path().string());
  const auto [train, test] = datasets::cifar10();
  CHECK(train.x.shape() == Shape{50000, 32, 32, 3});
  CHECK(train.y.shape() == Shape{50000, 1});
  CHECK(train.y[10000].item<int>() == 2);
  CHECK(test.y[0].item<int>() == 6);
  CHECK(
      test.x[0][0].slice(0, 2) ==
      Tensor(std::vector<std::uint8_t>{10, 20, 0, 0, 0, 200}, {2, 3}));

  write_gzip(
      folder / "cifar10/cifar-10-binary.tar.gz", archive.substr(0, 40'000'000));
  CHECK(message_of<InvalidArgument>([] {
          datasets::cifar10();
        }).find("[cifar-10-binary.tar.gz]: expected 30730000 more bytes") == 0);
}

TEST_CASE("A tar archive that is damaged says so") {
  const std::string good = tar_member("a/b.bin", "content");
  const auto files = data::read_tar(io::as_bytes(good), "t");
  CHECK(io::as_text(files.at("b.bin")) == "content");
  std::string bad = good;
  bad[130] = '9';
  CHECK(message_of<InvalidArgument>([&] {
          data::read_tar(io::as_bytes(bad), "t");
        }) == "t: damaged header in a tar archive");
}

TEST_CASE("A data set is fetched once, and only with its checksum") {
  const testing::TempDir served;
  const testing::TempDir cache;
  const testing::TempDir empty;
  const testing::RangeServer server(served.path());
  if (!server.running()) KERATIN_SKIP("python3 cannot be started");
  const env::ScopedSetting data_setting("KERATIN_DATA", empty.path().string());
  const env::ScopedSetting cache_setting(
      "KERATIN_CACHE", cache.path().string());
  const env::ScopedSetting online("KERATIN_OFFLINE", "0");
  const env::ScopedSetting mirror("KERATIN_MIRROR", server.url(""));

  const auto file = served / "mnist.npz";
  Tensor labels(DType::u8, {10000});
  labels.mutable_data<std::uint8_t>()[3] = 9;
  io::save_npz(
      file.string(),
      {{"x_train", Tensor(DType::u8, {60000, 28, 28})},
       {"y_train", Tensor(DType::u8, {60000})},
       {"x_test", Tensor(DType::u8, {10000, 28, 28})},
       {"y_test", labels}});
  // Nobody's checksum but its own: what is published is something else.
  const auto refused = [&](datasets::TrainTest (*load)(), const char* name) {
    if (!std::filesystem::exists(served / name)) {
      std::filesystem::copy_file(file, served / name);
    }
    const auto what = message_of<SystemError>([&] { load(); });
    CAPTURE(what);
    CHECK(
        what.find(
            std::string("/") + name +
            ": checksum differs: expected "
            "SHA-256 ") != std::string::npos);
    CHECK(std::filesystem::is_empty(cache.path()));
  };
  refused(datasets::mnist, "mnist.npz");
  refused(datasets::fashion_mnist, "train-images-idx3-ubyte.gz");
  refused(datasets::cifar10, "cifar-10-binary.tar.gz");

  const io::Download archive{
      .url = "https://host/elsewhere/mnist.npz",
      .name = "mnist.npz",
      .sha256 = io::sha256_of(io::as_bytes(testing::read_file(file)))};
  CHECK(datasets::mnist_of(archive).test.y.at(3) == 9);
  // From now on without the server.
  std::filesystem::remove(file);
  CHECK(datasets::mnist_of(archive).test.y.at(3) == 9);
}

TEST_CASE("A data set that is not there and may not be fetched says so") {
  const testing::TempDir folder;
  const env::ScopedSetting data("KERATIN_DATA", folder.path().string());
  const env::ScopedSetting cache("KERATIN_CACHE", folder.path().string());
  const env::ScopedSetting offline("KERATIN_OFFLINE", "1");
  for (const auto load :
       {datasets::mnist, datasets::fashion_mnist, datasets::cifar10}) {
    CHECK(
        message_of<SystemError>([&] {
          load();
        }).find("KERATIN_OFFLINE forbids to fetch it from https://") !=
        std::string::npos);
  }
}

}  // namespace keratin
