// The kill test: a training that is killed (SIGKILL) again and again, at random
// moments, and goes on each time, ends with the weights and the history of one
// that was left alone, bit for bit.
//
//   kill_resumes PROGRAM [--kills N] [--seed N] [--flip]
//                [--pictures FOLDER [--epochs N]]
//
// trains on the digits, or on pictures in a folder for each of ten classes
// (those of CIFAR-10, say), which come through a Dataset.
//
// --flip changes one bit of one weight in a checkpoint, which has to show.
// KERATIN_KILLS is the number of kills where --kills is not given: 10.

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "src/core/format.hpp"
#include "src/io/hdf5_reader.hpp"
#include "src/io/sha256.hpp"
#include "src/train/checkpoint/checkpoint.hpp"
#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/threads.hpp"

namespace fs = std::filesystem;
using keratin::format;
using Clock = std::chrono::steady_clock;

namespace {

struct Options {
  std::string program;
  std::string pictures;  // a folder; empty: digits
  int kills = 10;
  int epochs = 3;  // over the pictures
  unsigned seed = std::random_device{}();
  bool flip = false;
};

enum class Phase { before, step, save };

const char* name_of(Phase phase) {
  switch (phase) {
    case Phase::before:
      return "before the first checkpoint";
    case Phase::step:
      return "in a step";
    case Phase::save:
      return "in a save";
  }
  return "";
}

std::string config_of(const Options& options) {
  const bool digits = options.pictures.empty();
  // Enough for every kill to come before the end.
  const int epochs = digits ? 5 + options.kills * 3 / 2 : options.epochs;
  const std::string data =
      digits ? R"({"name": "digits"})"
             : format(
                   R"({{"image_dataset_from_directory": {{"directory": "{}",
    "image_size": [32, 32], "validation_split": 0.1, "seed": 3}}}})",
                   options.pictures);
  const std::string begin = digits ? R"({"Input": {"shape": [8, 8]}},
    {"Reshape": {"target_shape": [8, 8, 1]}}, {"Rescaling": {"scale": 0.0625}})"
                                   : R"({"Input": {"shape": [32, 32, 3]}},
    {"RandomFlip": {"mode": "horizontal"}}, {"Rescaling": {"scale": 0.00392}})";
  return format(
      R"({{"seed": 11, "data": {},
  "model": {{"layers": [
    {},
    {{"Conv2D": {{"filters": 32, "kernel_size": 3, "activation": "relu"}}}},
    {{"Conv2D": {{"filters": 32, "kernel_size": 3, "padding": "same"}}}},
    {{"BatchNormalization": {{}}}}, {{"MaxPooling2D": {{"pool_size": 2}}}},
    {{"Dropout": {{"rate": 0.25}}}}, {{"Flatten": {{}}}},
    {{"Dense": {{"units": 10, "activation": "softmax"}}}}]}},
  "compile": {{"optimizer": {{"Adam": {{"learning_rate": {{
      "CosineDecay": {{"initial_learning_rate": 0.003, "decay_steps": 1000}}}}}}}},
    "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}},
  "fit": {{{} "epochs": {}}},
  "callbacks": [{{"EarlyStopping": {{"monitor": "val_loss", "patience": 1000,
                                  "restore_best_weights": true}}}},
                {{"CSVLogger": {{"filename": "log.csv"}}}}],
  "output": {{"weights": "final.weights.h5", "history": "history.json"}}}})",
      data,
      begin,
      digits ? R"("batch_size": 32, "validation_split": 0.1,)" : "",
      epochs);
}

pid_t start(
    const Options& options,
    const fs::path& folder,
    std::vector<std::string> more) {
  // One where the thread sanitizer watches: see kTeam.
  const std::string threads =
      std::to_string(std::min(keratin::testing::kTeam, 2));
  std::vector<std::string> arguments = {
      "keratin", "train", "c.json", "-q", "--threads", threads};
  arguments.insert(arguments.end(), more.begin(), more.end());
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) {
    if (chdir(folder.c_str()) == 0) execv(options.program.c_str(), argv.data());
    _exit(99);
  }
  return child;
}

pid_t start_resuming(const Options& options, const fs::path& folder) {
  return start(
      options,
      folder,
      {"--resume", "--checkpoint", "backup", "--save-freq", "10"});
}

void require_success(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    throw std::runtime_error(format("a run ended with status {}", status));
  }
}

/// What is in a run's folder of checkpoints.
struct Look {
  bool writing = false;
  ino_t latest = 0;  // 0: there is none
};

Look look_at(const fs::path& folder) {
  Look out;

  struct stat info {};

  const fs::path backup = folder / "backup";
  if (::stat((backup / "latest.checkpoint").c_str(), &info) == 0) {
    out.latest = info.st_ino;
  }
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(backup, none)) {
    out.writing = out.writing || entry.path().extension() == ".tmp";
  }
  return out;
}

/// Kills the child at a moment of that phase, or one near it; says what it was.
class Killer {
 public:
  Killer(const Options& options, fs::path folder)
      : options_(options), folder_(std::move(folder)), random_(options.seed) {}

  /// Seconds from the start to the first checkpoint.
  void measure_start() {
    const auto begin = Clock::now();
    const pid_t child = start_resuming(options_, folder_);
    while (!look_at(folder_).writing && look_at(folder_).latest == 0) {
      require_alive(child);
      pause();
    }
    first_ = seconds_since(begin);
    end(child);
    fs::remove_all(folder_ / "backup");
  }

  Phase kill_in(Phase wanted) {
    const Look before = look_at(folder_);
    const auto begin = Clock::now();
    const pid_t child = start_resuming(options_, folder_);
    if (wanted == Phase::before) {
      sleep(uniform(0.05, 0.7) * first_);
    } else {
      // It has to get somewhere, or the run would never end.
      while (look_at(folder_).latest == before.latest) {
        require_alive(child);
        pause();
      }
      sleep(uniform(0, 0.03));
      const bool want_writing = wanted == Phase::save;
      while (look_at(folder_).writing != want_writing) require_alive(child);
    }
    require_alive(child);
    end(child);
    took_ = seconds_since(begin);
    // What is left half written tells that it was in a save.
    const Look after = look_at(folder_);
    if (after.writing) return Phase::save;
    return after.latest == 0 ? Phase::before : Phase::step;
  }

  double took() const { return took_; }

 private:
  static double seconds_since(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
  }

  static void pause() {
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }

  static void sleep(double seconds) {
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  }

  double uniform(double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random_);
  }

  static void require_alive(pid_t child) {
    int status = 0;
    if (waitpid(child, &status, WNOHANG) == 0) return;
    throw std::runtime_error(format(
        "the run ended by itself (status {}) before it was killed", status));
  }

  static void end(pid_t child) {
    ::kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
  }

  const Options& options_;
  fs::path folder_;
  std::mt19937 random_;
  double first_ = 0;
  double took_ = 0;
};

void flip_one_bit(const fs::path& folder) {
  const std::string path = (folder / "backup" / "latest.checkpoint").string();
  keratin::Checkpoint checkpoint = keratin::read_checkpoint(path);
  for (auto& [name, value] : checkpoint.arrays) {
    if (name != "weights/0") continue;
    static_cast<unsigned char*>(value.mutable_raw())[0] ^= 1;
    std::printf("flipped the lowest bit of the first weight\n");
  }
  keratin::write_checkpoint(path, checkpoint);
}

std::string hash_of(const std::string& bytes) {
  return keratin::io::sha256_of(keratin::io::as_bytes(bytes));
}

/// Of names and numbers: HDF5 files of equal content differ elsewhere.
std::string hash_of_arrays(const fs::path& path) {
  const auto file = keratin::h5::File::open(path.string());
  std::string all;
  for (const std::string& name : keratin::h5::walk(file.root())) {
    const keratin::h5::Object object = file.at(name);
    if (!object.is_dataset()) continue;
    const keratin::Tensor value = object.read();
    all += name;
    all.append(static_cast<const char*>(value.raw()), value.size_bytes());
  }
  return hash_of(all);
}

/// Whether two runs have left the same.
bool compare(const fs::path& whole, const fs::path& killed) {
  bool equal = true;
  for (const auto& [what, file] :
       {std::pair{"weights", "final.weights.h5"},
        {"numbers of the history", "history.json"},
        {"lines of the log", "log.csv"}}) {
    const auto hash = [&, name = file](const fs::path& folder) {
      return name == std::string_view("final.weights.h5")
                 ? hash_of_arrays(folder / name)
                 : hash_of(keratin::testing::read_file(folder / name));
    };
    const std::string first = hash(whole);
    const std::string second = hash(killed);
    std::printf("%-22s left alone %s\n", what, first.c_str());
    std::printf("%-22s killed     %s\n", what, second.c_str());
    if (first == second) continue;
    std::printf("the %s differ from those of the undisturbed run\n", what);
    equal = false;
  }
  return equal;
}

/// At least a third of the kills before the first checkpoint, in a step and in
/// a save; the first of these first, as there is none later.
std::vector<Phase> plan_of(int kills) {
  std::vector<Phase> plan;
  for (int i = 0; i < kills; ++i) {
    plan.push_back(
        i < kills * 3 / 10 ? Phase::before
        : i % 2 == 0       ? Phase::step
                           : Phase::save);
  }
  return plan;
}

int run(const Options& options) {
  const keratin::testing::TempDir top;
  // Choices by timing are the machine's, not the run's: all processes here find
  // those that the first one left.
  ::setenv("KERATIN_CACHE", (top / "cache").c_str(), 1);
  const fs::path whole = top / "whole";
  const fs::path killed = top / "killed";
  for (const fs::path& folder : {whole, killed}) {
    fs::create_directory(folder);
    keratin::testing::write_file(folder / "c.json", config_of(options));
  }
  std::printf("seed %u\n", options.seed);
  const auto begin = Clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(Clock::now() - begin).count();
  };
  require_success(start(options, whole, {}));
  std::printf("left alone: %.1f s\n", elapsed());

  Killer killer(options, killed);
  killer.measure_start();
  std::vector<Phase> plan = plan_of(options.kills);
  std::map<Phase, int> made;
  int number = 0;
  int late = 0;
  for (std::size_t i = 0; i < plan.size(); ++i) {
    const Phase phase = killer.kill_in(plan[i]);
    if (plan[i] == Phase::before && phase != Phase::before) {
      // Too late: there is to be none yet. Does not count.
      fs::remove_all(killed / "backup");
      if (++late > 10 * options.kills) {
        throw std::runtime_error("no kill came before the first checkpoint");
      }
      --i;
      continue;
    }
    ++made[phase];
    std::printf(
        "kill %2d at %6.2f s, %.2f s after its start: %s\n",
        ++number,
        elapsed(),
        killer.took(),
        name_of(phase));
    std::fflush(stdout);
    // Too late for it: once more, but not for ever.
    const bool missed = plan[i] == Phase::save && phase != Phase::save;
    if (missed && plan.size() < 2 * static_cast<std::size_t>(options.kills)) {
      plan.push_back(Phase::save);
    }
  }
  const int least = options.kills >= 50 ? 5 : 1;
  bool enough = true;
  for (const Phase phase : {Phase::before, Phase::step, Phase::save}) {
    std::printf("%d %s\n", made[phase], name_of(phase));
    enough = enough && made[phase] >= least;
  }
  if (options.flip) flip_one_bit(killed);
  require_success(start_resuming(options, killed));
  std::printf("gone on to the end: %.1f s\n", elapsed());
  const bool equal = compare(whole, killed);
  if (!enough) {
    std::printf("expected at least %d kills of each kind\n", least);
  }
  if (equal) std::printf("bit for bit the same\n");
  return equal && enough ? 0 : 1;
}

Options parse(int argc, char** argv) {
  Options options;
  if (const char* kills = std::getenv("KERATIN_KILLS")) {
    options.kills = std::atoi(kills);
  }
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto next = [&]() -> std::string {
      if (i + 1 >= argc) throw std::runtime_error(word + " wants a value");
      return argv[++i];
    };
    if (word == "--kills") {
      options.kills = std::stoi(next());
    } else if (word == "--pictures") {
      options.pictures = fs::absolute(next()).string();
    } else if (word == "--epochs") {
      options.epochs = std::stoi(next());
    } else if (word == "--seed") {
      options.seed = static_cast<unsigned>(std::stoul(next()));
    } else if (word == "--flip") {
      options.flip = true;
    } else {
      options.program = fs::absolute(word).string();
    }
  }
  if (options.program.empty() || options.kills < 3) {
    throw std::runtime_error(
        "usage: kill_resumes PROGRAM [--kills N (>= 3)] [--seed N] [--flip] "
        "[--pictures FOLDER [--epochs N]]");
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(parse(argc, argv));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "kill_resumes: %s\n", error.what());
    return 2;
  }
}
