// Images a second of a pipeline of our own, and GB/s of batches from arrays,
// for compare.py: reads one word a line and answers with one number.
//
//   feeding FOLDER SIZE THREADS BATCH
//   pictures   a pass over the JPEGs in FOLDER: images a second
//   arrays     shuffled batches of 256 MB of floats: GB/s
//   end

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>

#include <keratin/keratin.hpp>

namespace kt = keratin;

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Keeps the work from being left out.
volatile double sink = 0;

double pictures(const kt::data::Dataset& dataset, std::int64_t epoch) {
  std::int64_t images = 0;
  const auto start = Clock::now();
  for (auto pass = dataset.iterate(epoch); auto batch = pass.next();) {
    const kt::Tensor& x = batch->x.tensors()[0];
    images += x.shape()[0];
    sink = sink + x.data<float>()[0];
  }
  return static_cast<double>(images) / seconds_since(start);
}

double arrays(const kt::data::Dataset& batches, std::int64_t epoch) {
  std::size_t bytes = 0;
  const auto start = Clock::now();
  for (auto pass = batches.iterate(epoch); auto batch = pass.next();) {
    const kt::Tensor& x = batch->x.tensors()[0];
    bytes += x.size_bytes();
    sink = sink + x.data<float>()[0];
  }
  return static_cast<double>(bytes) * 1e-9 / seconds_since(start);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "usage: feeding FOLDER SIZE THREADS BATCH\n";
    return 2;
  }
  const std::int64_t size = std::atoll(argv[2]);
  kt::set_num_threads(std::atoi(argv[3]));
  const std::int64_t batch = std::atoll(argv[4]);
  const kt::data::Dataset dataset = kt::utils::image_dataset_from_directory(
      argv[1],
      {.batch_size = batch,
       .image_size = {size, size},
       .seed = 1,
       .verbose = false});
  constexpr std::int64_t kFloats = 1024;  // a row
  const std::int64_t rows = (std::int64_t{256} << 20) / (4 * kFloats);
  const kt::Tensor table =
      kt::Tensor::full(kt::DType::f32, {rows, kFloats}, 0.5);
  const kt::data::Dataset batches = kt::data::Dataset::from_tensor_slices(table)
                                        .shuffle(rows, {.seed = 1})
                                        .batch(batch);
  std::int64_t epoch = 0;
  for (std::string word; std::cin >> word && word != "end"; ++epoch) {
    std::cout << (word == "arrays" ? arrays(batches, epoch)
                                   : pictures(dataset, epoch))
              << std::endl;
  }
  return 0;
}
