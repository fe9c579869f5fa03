// The program as a user meets it: output, errors, exit codes.

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "tests/cli/run_program.hpp"
#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/skip.hpp"

namespace fs = std::filesystem;
using keratin::testing::has;
using keratin::testing::Outcome;
using keratin::testing::run;
using keratin::testing::run_in;
using keratin::testing::TempDir;

namespace {

constexpr const char* kConfig = R"({
  "seed": 1,
  "data": {"name": "digits"},
  "model": {"layers": [
    {"Input": {"shape": [8, 8]}},
    {"Rescaling": {"scale": 0.0625}},
    {"Flatten": {}},
    {"Dense": {"units": 10, "activation": "softmax"}}]},
  "compile": {"optimizer": {"Adam": {"learning_rate": 0.01}},
              "loss": "sparse_categorical_crossentropy",
              "metrics": ["accuracy"]},
  "fit": {"epochs": 3},
  "output": {"model": "digits.keras", "history": "history.json"}
})";

}  // namespace

TEST_CASE("--help and --version read well") {
  const Outcome help = run("--help");
  CHECK(help.code == 0);
  for (const char* word :
       {"train", "evaluate", "predict", "summary", "list", "schema", "info"}) {
    CHECK(has(help, word));
  }
  const Outcome version = run("--version");
  CHECK(version.code == 0);
  CHECK(version.text.starts_with("keratin "));
  CHECK(run("train --help").code == 0);
}

TEST_CASE("Wrong usage is one line and exit code 2") {
  for (const char* const arguments :
       {"",
        "trian x.json",
        "train",
        "train x.json --epochs 3",
        "--threads 0 info",
        "--backend nonsense info",
        "list layer",
        "predict x.keras"}) {
    CAPTURE(arguments);
    const Outcome outcome = run(arguments);
    CHECK(outcome.code == 2);
    CHECK(outcome.text.starts_with("keratin: error: "));
    CHECK(outcome.text.find('\n') == outcome.text.size() - 1);
  }
  CHECK(has(run("trian x.json"), "no command is called 'trian'"));
}

TEST_CASE("A device that the backend does not have is refused") {
  const Outcome other = run("--device cpu:1 info");
  CHECK(other.code == 2);
  CHECK(has(other, "has one device"));
  CHECK(run("--backend cpu --device reference info").code == 2);
  CHECK(run("--device reference info").code == 0);
}

TEST_CASE("What cannot be read or written is said before any work") {
  const TempDir folder;
  CHECK(has(run_in(folder.path(), "train ."), "got a folder"));
  keratin::testing::write_file(folder / "c.json", kConfig);
  const Outcome late =
      run_in(folder.path(), "train c.json --predictions c.json/p.npy");
  CHECK(late.code == 2);
  CHECK(has(late, "--predictions"));
  CHECK_FALSE(has(late, "Epoch"));
}

TEST_CASE("A file that is not there is exit code 1") {
  const Outcome outcome = run("train nowhere.json");
  CHECK(outcome.code == 1);
  CHECK(has(outcome, "keratin: error: [nowhere.json]"));
}

TEST_CASE("A wrong config is exit code 2 and names the place") {
  const TempDir folder;
  keratin::testing::write_file(folder / "c.json", kConfig);
  const Outcome outcome =
      run_in(folder.path(), "train c.json --set fit.epoch=3");
  CHECK(outcome.code == 2);
  CHECK(has(outcome, "c.json: [$.fit] fit has no argument 'epoch'"));
  CHECK_FALSE(fs::exists(folder / "digits.keras"));
}

TEST_CASE("Train, evaluate, predict and summary work on one another's files") {
  const TempDir folder;
  keratin::testing::write_file(folder / "c.json", kConfig);
  const Outcome train =
      run_in(folder.path(), "train c.json --predictions before.npy");
  CAPTURE(train.text);
  REQUIRE(train.code == 0);
  CHECK(has(train, "Total params: 650"));
  CHECK(has(train, "Epoch 3/3"));
  CHECK(has(train, "wrote the model digits.keras"));
  CHECK(
      keratin::testing::read_file(folder / "history.json")
          .find("\"accuracy\"") != std::string::npos);

  const Outcome evaluate =
      run_in(folder.path(), "evaluate digits.keras --config c.json");
  CHECK(evaluate.code == 0);
  CHECK(has(evaluate, "accuracy: 0.9"));
  CHECK(
      evaluate.text ==
      run_in(folder.path(), "evaluate digits.keras --data digits").text);

  const Outcome predict = run_in(
      folder.path(),
      "predict digits.keras --data digits:test --output after.npy --draw 4");
  CHECK(predict.code == 0);
  CHECK(has(predict, "█"));
  CHECK(
      keratin::testing::read_file(folder / "before.npy") ==
      keratin::testing::read_file(folder / "after.npy"));
  CHECK(
      has(run_in(folder.path(), "predict digits.keras --data digits --top 2"),
          "truth"));

  CHECK(has(run_in(folder.path(), "summary digits.keras"), "dense (Dense)"));
  CHECK(has(run_in(folder.path(), "summary c.json"), "dense (Dense)"));
}

TEST_CASE("list and schema print what configs may hold") {
  CHECK(has(run("list layers Dense"), "Dense(units, activation=\"linear\""));
  CHECK(has(run("list"), "keratin list optimizers"));
  const Outcome pool = run("list layers AvgPool2D");
  CHECK(pool.code == 0);
  CHECK(pool.text.starts_with("AveragePooling2D("));
  CHECK(has(pool, "\n    also AvgPool2D\n"));
  CHECK(has(run("list initializers zeros"), "Zeros("));
  CHECK(has(run("list losses MSE"), "also mean_squared_error, mse, MSE"));
  CHECK(has(run("schema"), "json-schema.org/draft/2020-12"));
}

namespace {

struct Run {
  int status = 0;
  double megabytes = 0;  // resident, at most
};

/// `keratin info` as a process of its own.
Run measure_info() {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    if (std::freopen("/dev/null", "w", stdout) == nullptr) _exit(99);
    execl(KERATIN_PROGRAM, "keratin", "info", static_cast<char*>(nullptr));
    _exit(99);
  }
  Run run;
  rusage usage{};
  REQUIRE(wait4(child, &run.status, 0, &usage) == child);
  run.megabytes = static_cast<double>(usage.ru_maxrss) * 1024 / 1e6;
  return run;
}

}  // namespace

TEST_CASE("info starts fast and small") {
  CHECK(has(run("info"), "oneDNN"));
  const auto start = std::chrono::steady_clock::now();
  const Run info = measure_info();
  const std::chrono::duration<double> elapsed =
      std::chrono::steady_clock::now() - start;
  CHECK(WIFEXITED(info.status));
  CHECK(WEXITSTATUS(info.status) == 0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  CHECK(info.megabytes < 60);
#endif
  CHECK(info.megabytes > 1);
  // Only that it does not hang: benchmarks/startup.py measures.
  CHECK(elapsed.count() < 10.0);
}

namespace {

/// Starts `keratin train c.json` for ever, sends the signal once it trains, and
/// gives back how it ended.
int stop_with(int signal, const TempDir& folder) {
  keratin::testing::write_file(folder / "c.json", kConfig);
  const fs::path log = folder / "log";
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::FILE* const out = std::freopen(log.c_str(), "w", stdout);
    std::FILE* const err = std::freopen("/dev/null", "w", stderr);
    if (out == nullptr || err == nullptr || chdir(folder.path().c_str()) != 0) {
      _exit(99);
    }
    execl(
        KERATIN_PROGRAM,
        "keratin",
        "train",
        "c.json",
        "--set",
        "fit.epochs=1000000",
        static_cast<char*>(nullptr));
    _exit(99);
  }
  // Wait until it trains.
  for (int i = 0; i < 600; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    if (fs::exists(log) && keratin::testing::read_file(log).find("Epoch 2/") !=
                               std::string::npos) {
      break;
    }
  }
  kill(child, signal);
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

}  // namespace

TEST_CASE("Ctrl-C ends the running step, writes the model and exits with 130") {
  const TempDir folder;
  const int status = stop_with(SIGINT, folder);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 130);
  // The model is whole and as good as the epochs it had made it.
  const Outcome evaluate =
      run_in(folder.path(), "evaluate digits.keras --config c.json");
  CAPTURE(evaluate.text);
  CHECK(evaluate.code == 0);
  CHECK(has(evaluate, "accuracy: 0."));
  CHECK(
      keratin::testing::read_file(folder / "history.json").find("\"loss\"") !=
      std::string::npos);
  // Training goes on from it.
  const Outcome more = run_in(
      folder.path(),
      "train c.json --set 'model=\"digits.keras\"' --set "
      "output.model=more.keras --set fit.epochs=1");
  CAPTURE(more.text);
  CHECK(more.code == 0);
  CHECK(fs::exists(folder / "more.keras"));
}

TEST_CASE("SIGTERM does as Ctrl-C and exits with 143") {
  const TempDir folder;
  const int status = stop_with(SIGTERM, folder);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 143);
  CHECK(fs::exists(folder / "digits.keras"));
}

TEST_CASE("Output that does not arrive is a failure") {
  if (!fs::exists("/dev/full")) KERATIN_SKIP("needs /dev/full");
  for (const char* const arguments : {"info", "--help", "list", "schema"}) {
    CAPTURE(arguments);
    // The errors go where run() reads, the output to the full disk.
    const Outcome outcome = run(std::string(arguments) + " 2>&1 >/dev/full #");
    CHECK(outcome.code == 1);
    CHECK(
        outcome.text ==
        "keratin: error: [standard output] cannot be written: No space left "
        "on device\n");
  }
}

TEST_CASE("A model that yields one number for all rows predicts it") {
  const TempDir dir;
  // keras.Model(x, keras.ops.sum(x))
  keratin::testing::write_file(
      dir / "sum.json",
      R"({"module": "keras.src.models.functional", "class_name": "Functional",
          "config": {"name": "f", "trainable": true, "layers": [
            {"module": "keras.layers", "class_name": "InputLayer",
             "config": {"batch_shape": [null, 3], "dtype": "float32",
                        "name": "x"},
             "name": "x", "inbound_nodes": []},
            {"module": "keras.src.ops.numpy", "class_name": "Sum",
             "config": {"name": "sum"}, "name": "sum",
             "inbound_nodes": [{"args": [
               {"class_name": "__keras_tensor__", "config": {
                 "shape": [null, 3], "dtype": "float32",
                 "keras_history": ["x", 0, 0]}}], "kwargs": {}}]}],
          "input_layers": ["x", 0, 0], "output_layers": ["sum", 0, 0]}})");
  REQUIRE(run_in(dir.path(), "convert sum.json sum.keras").code == 0);
  const std::string data =
      " --data '" + keratin::testing::fixture("io/c.npy").string() + "'";
  Outcome outcome = run_in(dir.path(), "predict sum.keras" + data);
  CHECK(outcome.code == 0);
  CHECK(outcome.text == "    0:  15\n");
  outcome = run_in(dir.path(), "predict sum.keras -o y.npy" + data);
  CHECK(outcome.code == 0);
  CHECK(has(outcome, "wrote 1 predictions to y.npy"));
}

TEST_CASE("inspect, convert, summary and plot work on a model file") {
  const TempDir dir;
  keratin::testing::write_file(
      dir / "old.json",
      R"({"class_name": "Sequential", "keras_version": "1.2.2", "config": [
          {"class_name": "Dense", "config": {"name": "d", "output_dim": 2,
           "init": "uniform", "batch_input_shape": [null, 3]}}]})");
  Outcome outcome = run_in(dir.path(), "inspect old.json");
  CHECK(outcome.code == 0);
  CHECK(has(outcome, "written by  Keras 1.2.2"));
  CHECK(has(outcome, "d     Dense  [null, 3]"));
  fs::create_directory(dir / "a.b");
  CHECK(run_in(dir.path(), "convert old.json new.keras").code == 0);
  CHECK(run_in(dir.path(), "convert new.keras new.h5").code == 0);
  outcome = run_in(dir.path(), "inspect --arrays new.h5");
  CHECK(outcome.code == 0);
  CHECK(has(outcome, "a whole Keras model (.h5)"));
  CHECK(has(outcome, "float32 [3, 2]"));
  CHECK(has(run_in(dir.path(), "summary new.h5"), "Total params: 8"));
  CHECK(run_in(dir.path(), "plot new.h5 -o model.dot").code == 0);
  CHECK(fs::exists(dir / "model.dot"));
  outcome =
      run_in(dir.path(), "plot new.h5 -o a.b/picture.svg", "PATH=/nowhere");
  CHECK(outcome.code == 0);
  CHECK(
      outcome.text ==
      "a.b/picture.svg was not drawn: no Graphviz here; wrote a.b/picture.dot "
      "instead, which 'dot -O -Tsvg a.b/picture.dot' draws\n");
  CHECK(fs::exists(dir / "a.b/picture.dot"));
  CHECK_FALSE(fs::exists(dir / "a.b/picture.svg"));
  outcome = run_in(dir.path(), "convert new.h5 new.onnx");
  CHECK(outcome.code == 2);
  CHECK(has(outcome, ".keras2.json"));
  keratin::testing::write_file(dir / "note.h5", "a note");
  outcome = run_in(dir.path(), "inspect note.h5");
  CHECK(outcome.code == 2);
  CHECK(has(outcome, "a text: \"a note\""));
  keratin::testing::write_file(dir / "m.weights.json", R"({"weight_map": {}})");
  CHECK(run_in(dir.path(), "inspect m.weights.json").code == 0);
  outcome = run_in(dir.path(), "summary m.weights.json");
  CHECK(outcome.code == 2);
  CHECK(has(outcome, "the list of sharded weights of Keras 3"));
}
