#include "src/data/cifar.hpp"

#include "src/core/format.hpp"
#include "src/data/tar.hpp"
#include "src/io/gzip.hpp"
#include "src/io/mapped_file.hpp"

namespace keratin::data {
namespace {

constexpr std::size_t kPixels = 32 * 32;
constexpr std::size_t kRecord = 1 + 3 * kPixels;  // the class, then the planes
constexpr std::size_t kPerFile = 10000;

/// Unpacks records into rows from `row` on: planes become channels last.
void unpack(io::Bytes records, Examples& out, std::size_t row) {
  auto x = out.x.mutable_data<std::uint8_t>();
  auto y = out.y.mutable_data<std::uint8_t>();
  for (std::size_t i = 0; i < kPerFile; ++i) {
    const io::Bytes record = records.subspan(i * kRecord, kRecord);
    y[row + i] = std::to_integer<std::uint8_t>(record[0]);
    auto* image = &x[(row + i) * 3 * kPixels];
    for (std::size_t p = 0; p < kPixels; ++p) {
      for (std::size_t c = 0; c < 3; ++c) {
        image[3 * p + c] =
            std::to_integer<std::uint8_t>(record[1 + c * kPixels + p]);
      }
    }
  }
}

Examples empty_examples(std::int64_t n) {
  return {Tensor(DType::u8, {n, 32, 32, 3}), Tensor(DType::u8, {n, 1})};
}

}  // namespace

TrainTest read_cifar10(const std::string& path) {
  const std::string who = format("[{}]", io::base_name(path));
  const auto packed = io::map_file(path);
  constexpr std::uint64_t kLimit = 256U << 20;
  const auto archive = io::gunzip(packed.bytes, kLimit, who);
  const auto files = read_tar(archive, who);
  const auto records = [&](const std::string& name) {
    const auto it = files.find(name);
    if (it == files.end() || it->second.size() != kPerFile * kRecord) {
      io::ByteReader({}, who).fail(
          format("expected a member {} of {} bytes", name, kPerFile * kRecord));
    }
    return it->second;
  };
  TrainTest out{empty_examples(50000), empty_examples(10000)};
  for (std::size_t i = 0; i < 5; ++i) {
    unpack(
        records(format("data_batch_{}.bin", i + 1)), out.train, i * kPerFile);
  }
  unpack(records("test_batch.bin"), out.test, 0);
  return out;
}

}  // namespace keratin::data
