#include "src/data/cifar.hpp"

#include <vector>

#include "src/core/format.hpp"
#include "src/data/tar.hpp"
#include "src/io/gzip.hpp"
#include "src/io/mapped_file.hpp"

namespace keratin::data {
namespace {

constexpr std::size_t kPixels = 32 * 32;

/// A file of records: classes, then the planes of a picture.
struct Records {
  std::string name;
  std::size_t count = 10000;
  std::size_t classes = 1;  // of a picture
  std::size_t wanted = 0;   // of them

  std::size_t bytes() const { return classes + 3 * kPixels; }
};

/// Unpacks records into rows from `row` on: planes become channels last.
void unpack(
    io::Bytes records, const Records& file, Examples& out, std::size_t row) {
  auto x = out.x.mutable_data<std::uint8_t>();
  auto y = out.y.mutable_data<std::uint8_t>();
  for (std::size_t i = 0; i < file.count; ++i) {
    const io::Bytes record = records.subspan(i * file.bytes(), file.bytes());
    y[row + i] = std::to_integer<std::uint8_t>(record[file.wanted]);
    const io::Bytes planes = record.subspan(file.classes);
    auto* image = &x[(row + i) * 3 * kPixels];
    for (std::size_t p = 0; p < kPixels; ++p) {
      for (std::size_t c = 0; c < 3; ++c) {
        image[3 * p + c] =
            std::to_integer<std::uint8_t>(planes[c * kPixels + p]);
      }
    }
  }
}

Examples empty_examples(std::int64_t n) {
  return {Tensor(DType::u8, {n, 32, 32, 3}), Tensor(DType::u8, {n, 1})};
}

/// Reads the archive's files one after the other into training and test data.
TrainTest read_archive(
    const std::string& path,
    const std::vector<Records>& train,
    const Records& test) {
  const std::string who = format("[{}]", io::base_name(path));
  const auto packed = io::map_file(path);
  constexpr std::uint64_t kLimit = 256U << 20;
  const auto archive = io::gunzip(packed.bytes, kLimit, who);
  const auto files = read_tar(archive, who);
  const auto records = [&](const Records& file) {
    const auto it = files.find(file.name);
    const std::size_t size = file.count * file.bytes();
    if (it == files.end() || it->second.size() != size) {
      io::ByteReader({}, who).fail(
          format("expected a member {} of {} bytes", file.name, size));
    }
    return it->second;
  };
  TrainTest out{empty_examples(50000), empty_examples(10000)};
  std::size_t row = 0;
  for (const Records& file : train) {
    unpack(records(file), file, out.train, row);
    row += file.count;
  }
  unpack(records(test), test, out.test, 0);
  return out;
}

}  // namespace

TrainTest read_cifar10(const std::string& path) {
  std::vector<Records> train;
  for (int i = 1; i <= 5; ++i)
    train.push_back({format("data_batch_{}.bin", i)});
  return read_archive(path, train, {"test_batch.bin"});
}

TrainTest read_cifar100(const std::string& path, bool fine) {
  const std::size_t wanted = fine ? 1 : 0;
  return read_archive(
      path, {{"train.bin", 50000, 2, wanted}}, {"test.bin", 10000, 2, wanted});
}

}  // namespace keratin::data
