// check_full_size FOLDER: loads what make_full_size.py wrote, compares the
// predictions with Keras's, and measures loading beside reading the file.

#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include <keratin/applications.hpp>
#include <keratin/error.hpp>
#include <keratin/io/npy.hpp>

namespace {

namespace fs = std::filesystem;
namespace kt = keratin;

double seconds_of(const auto& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
      .count();
}

/// A line of /proc/self/status, in MiB.
double memory(const std::string& key) {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    if (line.starts_with(key)) return std::stod(line.substr(key.size())) / 1024;
  }
  return 0;
}

/// Into fresh memory.
void read_whole(const fs::path& path) {
  std::vector<char> content(fs::file_size(path));
  std::FILE* const file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) throw kt::SystemError("cannot open " + path.string());
  const std::size_t got = std::fread(content.data(), 1, content.size(), file);
  std::fclose(file);
  if (got != content.size())
    throw kt::SystemError("cannot read " + path.string());
}

double worst_difference(const kt::Tensor& a, const kt::Tensor& b) {
  const auto x = a.to_vector<double>();
  const auto y = b.to_vector<double>();
  double worst = x.size() == y.size() ? 0 : INFINITY;
  for (std::size_t i = 0; i < x.size() && i < y.size(); ++i) {
    worst = std::max(worst, std::abs(x[i] - y[i]));
  }
  return worst;
}

/// Whether it predicts as Keras does.
bool check(const fs::path& file, const std::string& name) {
  const auto golden =
      kt::io::load_npz((file.parent_path() / (name + ".npz")).string());
  read_whole(file);  // into the page cache
  const double copy = seconds_of([&] { read_whole(file); });
  const double before = memory("RssAnon:");
  kt::Model model;
  double build = 0;
  double load = 0;
  if (file.extension() == ".keras") {
    load = seconds_of(
        [&] { model = kt::load_model(file.string(), {.compile = false}); });
  } else {
    build = seconds_of([&] {
      model = kt::applications::make(
          name, kt::Config::object({{"weights", nullptr}}));
    });
    load = seconds_of([&] { model.load_weights(file.string()); });
  }
  const double held = memory("RssAnon:") - before;
  const double worst =
      worst_difference(model.predict(golden.at("x")), golden.at("y"));
  const double size = static_cast<double>(fs::file_size(file)) / (1 << 20);
  std::printf(
      "%-24s %6.0f MiB  copy %.3f s  load %.3f s (%.2f x)  build %.2f s  "
      "memory %.0f MiB, peak %.0f MiB  worst difference %.2g\n",
      file.filename().c_str(),
      size,
      copy,
      load,
      load / copy,
      build,
      held,
      memory("VmHWM:"),
      worst);
  std::fflush(stdout);
  constexpr double kTolerance = 1e-4;
  return worst <= kTolerance;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: check_full_size FOLDER\n";
    return 2;
  }
  bool good = true;
  try {
    for (const auto& entry : fs::directory_iterator(argv[1])) {
      if (entry.path().extension() != ".npz") continue;
      const std::string name = entry.path().stem().string();
      for (const char* const ending : {".weights.h5", ".h5", ".keras"}) {
        const fs::path file = entry.path().parent_path() / (name + ending);
        if (fs::exists(file)) good = check(file, name) && good;
      }
    }
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
  return good ? 0 : 1;
}
