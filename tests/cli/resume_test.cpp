// keratin train: checkpoints, --resume, Ctrl-C and what it prints.

#include <doctest/doctest.h>

#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include <keratin/config.hpp>

#include "tests/cli/background_program.hpp"
#include "tests/cli/run_program.hpp"
#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"

namespace fs = std::filesystem;
using keratin::Config;
using keratin::testing::BackgroundProgram;
using keratin::testing::has;
using keratin::testing::Outcome;
using keratin::testing::read_file;
using keratin::testing::run_in;
using keratin::testing::TempDir;
using keratin::testing::write_file;

namespace {

Config config() {
  return Config::parse(R"({
    "seed": 1,
    "data": {"name": "digits"},
    "model": {"layers": [
      {"Input": {"shape": [8, 8]}},
      {"Rescaling": {"scale": 0.0625}},
      {"Flatten": {}},
      {"Dense": {"units": 256, "activation": "relu"}},
      {"Dropout": {"rate": 0.2}},
      {"Dense": {"units": 10, "activation": "softmax"}}]},
    "compile": {"optimizer": "adam",
                "loss": "sparse_categorical_crossentropy",
                "metrics": ["accuracy"]},
    "fit": {"epochs": 30, "validation_split": 0.1},
    "output": {"predictions": "p.npy", "history": "history.json"}
  })");
}

void write_config(const TempDir& folder, const Config& config) {
  write_file(folder / "c.json", config.dump(1));
}

/// What a run without a stop writes.
struct Files {
  std::string predictions;
  std::string history;

  bool operator==(const Files&) const = default;
};

Files files_of(const TempDir& folder) {
  return {read_file(folder / "p.npy"), read_file(folder / "history.json")};
}

Files undisturbed(const Config& config) {
  const TempDir folder;
  write_config(folder, config);
  const Outcome outcome = run_in(folder.path(), "train c.json -q");
  CAPTURE(outcome.text);
  REQUIRE(outcome.code == 0);
  CHECK_FALSE(fs::exists(folder / "c.checkpoint"));
  return files_of(folder);
}

/// The line that says how to go on, without what stands before the command.
std::string command_in(const std::string& text) {
  const std::string mark = "go on with: keratin ";
  const std::size_t at = text.find(mark);
  REQUIRE(at != std::string::npos);
  const std::size_t begin = at + mark.size();
  return text.substr(begin, text.find('\n', begin) - begin);
}

}  // namespace

TEST_CASE("Ctrl-C writes a checkpoint and says how to go on, bit for bit") {
  const Files whole = undisturbed(config());
  const TempDir folder;
  write_config(folder, config());
  for (const int signal : {SIGINT, SIGTERM}) {
    BackgroundProgram program(
        folder.path(), {"train", "c.json", "--set", "fit.epochs=30"});
    program.wait_for("Epoch 3/");
    program.send(signal);
    const int status = program.wait();
    CAPTURE(program.text());
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 128 + signal);
    CHECK(fs::exists(folder / "c.checkpoint" / "latest.checkpoint"));
    const std::string command = command_in(program.text());
    CHECK(command == "train c.json --set fit.epochs=30 --resume");
    if (signal == SIGINT) continue;  // begins anew once
    CHECK(
        program.text().find("begins anew; --resume would have gone on") !=
        std::string::npos);
    const Outcome outcome = run_in(folder.path(), command);
    CAPTURE(outcome.text);
    CHECK(outcome.code == 0);
    CHECK(has(outcome, "Epoch 30/30"));
    CHECK_FALSE(has(outcome, "Epoch 1/30"));
  }
  CHECK(files_of(folder) == whole);
  CHECK_FALSE(fs::exists(folder / "c.checkpoint"));
}

TEST_CASE("A second Ctrl-C stops at once") {
  const TempDir folder;
  Config slow = config();
  slow["fit"]["epochs"] = 100000;
  slow["fit"]["batch_size"] = 1400;
  slow["model"]["layers"].as_array()[3] =
      Config::parse(R"({"Dense": {"units": 20000, "activation": "relu"}})");
  write_config(folder, slow);
  BackgroundProgram program(folder.path(), {"train", "c.json"});
  program.wait_for("Epoch 2/");
  // Two that come before the program has seen the first are one.
  for (int i = 0; i < 20; ++i) {
    program.send(SIGINT);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  const int status = program.wait();
  CHECK(WIFSIGNALED(status));
}

TEST_CASE("A BackupAndRestore of the config is resumed by the same command") {
  Config with = config();
  with["callbacks"] = Config::parse(
      R"([{"BackupAndRestore": {"backup_dir": "kept/here", "save_freq": 7}},
          {"EarlyStopping": {"monitor": "val_loss", "patience": 30,
                             "restore_best_weights": true}}])");
  const Files whole = undisturbed(with);
  const TempDir folder;
  write_config(folder, with);
  {
    BackgroundProgram program(folder.path(), {"train", "c.json"});
    program.wait_for("Epoch 4/");
    program.send(SIGKILL);
    program.wait();
  }
  REQUIRE(fs::exists(folder / "kept" / "here" / "latest.checkpoint"));
  const Outcome outcome = run_in(folder.path(), "train c.json");
  CAPTURE(outcome.text);
  CHECK(outcome.code == 0);
  CHECK_FALSE(has(outcome, "Epoch 1/30"));
  CHECK(files_of(folder) == whole);
  std::string left;
  std::error_code none;
  for (const auto& entry :
       fs::directory_iterator(folder / "kept" / "here", none)) {
    left += entry.path().filename().string() + " ";
  }
  CHECK_EQ(left, "");
  CHECK_FALSE(fs::exists(folder / "kept" / "here"));
  const Outcome both = run_in(folder.path(), "train c.json --checkpoint x");
  CHECK(both.code == 2);
  CHECK(has(both, "the config has a BackupAndRestore"));
}

TEST_CASE("Phases that are done are not done again") {
  Config with = config();
  with["fit"] = Config::parse(R"({"epochs": 3})");
  with["phases"] = Config::parse(
      R"([{"fit": {"epochs": 2}},
          {"compile": {"optimizer": {"SGD": {"learning_rate": 0.01}}},
           "fit": {"epochs": 25}}])");
  const Files whole = undisturbed(with);
  const TempDir folder;
  write_config(folder, with);
  BackgroundProgram program(folder.path(), {"train", "c.json"});
  program.wait_for("Epoch 6/");
  program.send(SIGINT);
  program.wait();
  const Outcome outcome = run_in(folder.path(), command_in(program.text()));
  CAPTURE(outcome.text);
  CHECK(outcome.code == 0);
  CHECK_FALSE(has(outcome, "Epoch 1/"));
  CHECK_FALSE(has(outcome, "Epoch 4/"));
  CHECK(files_of(folder) == whole);
  CHECK_FALSE(fs::exists(folder / "c.checkpoint"));
}

TEST_CASE("--checkpoint writes where it says and does not write over") {
  const TempDir folder;
  Config few = config();
  few["fit"]["epochs"] = 100000;
  write_config(folder, few);
  {
    BackgroundProgram program(
        folder.path(),
        {"train", "c.json", "--checkpoint", "my run", "--save-freq", "5"});
    program.wait_for("Epoch 2/");
    program.send(SIGINT);
    program.wait();
    CHECK(
        command_in(program.text()) ==
        "train c.json --checkpoint 'my run' --save-freq 5 --resume");
  }
  const Outcome again =
      run_in(folder.path(), "train c.json --checkpoint 'my run'");
  CHECK(again.code == 2);
  CHECK(has(again, "[my run] holds the checkpoint of an earlier run"));
  CHECK(run_in(folder.path(), "train c.json --save-freq often").code == 2);
  CHECK(run_in(folder.path(), "train c.json --save-freq 0").code == 2);
}

TEST_CASE("--resume without a checkpoint begins") {
  const TempDir folder;
  Config few = config();
  few["fit"]["epochs"] = 2;
  write_config(folder, few);
  const Outcome outcome = run_in(folder.path(), "train c.json --resume -q");
  CAPTURE(outcome.text);
  CHECK(outcome.code == 0);
  CHECK(files_of(folder) == undisturbed(few));
  CHECK_FALSE(fs::exists(folder / "c.checkpoint"));
}

TEST_CASE("A damaged checkpoint is one line and exit code 2") {
  const TempDir folder;
  write_config(folder, config());
  fs::create_directory(folder / "c.checkpoint");
  write_file(folder / "c.checkpoint" / "latest.checkpoint", "no zip archive");
  const Outcome outcome = run_in(folder.path(), "train c.json --resume -q");
  CAPTURE(outcome.text);
  CHECK(outcome.code == 2);
  CHECK(has(outcome, "c.checkpoint/latest.checkpoint] is no whole checkpoint"));
}

TEST_CASE("--log-format json prints an event a line and nothing else") {
  const TempDir folder;
  Config few = config();
  few["fit"]["epochs"] = 2;
  write_config(folder, few);
  const Outcome outcome =
      run_in(folder.path(), "train c.json --log-format json");
  CAPTURE(outcome.text);
  REQUIRE(outcome.code == 0);
  std::istringstream lines(outcome.text);
  std::vector<std::string> events;
  for (std::string line; std::getline(lines, line);) {
    const Config event = Config::parse(line);
    const std::string& name = event.at("event").as_string();
    events.push_back(name);
    if (name == "epoch_end") {
      CHECK(event.at("epochs").as_int() == 2);
      CHECK(event.at("steps").as_int() > 30);
      CHECK(event.at("seconds").as_number() > 0);
      for (const char* key : {"loss", "accuracy", "val_loss", "val_accuracy"}) {
        CHECK(event.at("logs").contains(key));
      }
    }
    if (name == "test") CHECK(event.contains("accuracy"));
    if (name == "wrote")
      CHECK(fs::exists(folder / event.at("path").as_string()));
  }
  std::erase(events, "step");  // about one a second
  CHECK(
      events == std::vector<std::string>{
                    "epoch_begin",
                    "epoch_end",
                    "epoch_begin",
                    "epoch_end",
                    "test",
                    "wrote",
                    "wrote"});
  CHECK(run_in(folder.path(), "train c.json --log-format json -q").text == "");
  CHECK(run_in(folder.path(), "train c.json --log-format xml").code == 2);
}

TEST_CASE("In a file there are plain lines, one an epoch") {
  const TempDir folder;
  Config few = config();
  few["fit"]["epochs"] = 2;
  write_config(folder, few);
  for (const char* const format : {"auto", "plain"}) {
    const Outcome outcome = run_in(
        folder.path(), std::string("train c.json --log-format ") + format);
    CHECK(outcome.text.find('\r') == std::string::npos);
    CHECK(outcome.text.find('\033') == std::string::npos);
    CHECK(has(outcome, "\nEpoch 2/2: "));
    CHECK(has(outcome, "s/step"));
  }
}
