// Checkpoints: what they hold, and what happens when they are damaged or cannot
// be written.

#include "src/train/checkpoint/checkpoint.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <future>
#include <string>
#include <system_error>
#include <vector>

#include "src/core/log.hpp"
#include "src/train/checkpoint/background_writer.hpp"
#include "src/train/trainer_state.hpp"
#include "tests/models/resumed_runs.hpp"
#include "tests/support/damage.hpp"

using namespace keratin;           // NOLINT
using namespace keratin::layers;   // NOLINT
using namespace keratin::testing;  // NOLINT

namespace fs = std::filesystem;

TEST_CASE("Checkpoints are removed at the end, other files stay") {
  const TempDir folder;
  fs::create_directory(folder / "backup");
  write_file(folder / "backup" / "mine.txt", "mine");
  Run run;
  run.folder = folder.path().string();
  run.backup.double_checkpoint = true;
  run.run();
  CHECK(fs::exists(folder / "backup" / "mine.txt"));
  CHECK_FALSE(fs::exists(folder / "backup" / "latest.checkpoint"));
  CHECK_FALSE(fs::exists(folder / "backup" / "previous.checkpoint"));
}

TEST_CASE("What a killed run has left half written goes") {
  const TempDir folder;
  fs::create_directory(folder / "backup");
  const fs::path left = folder / "backup" / "latest.checkpoint.0123abcd.tmp";
  write_file(left, "half");
  Run run;
  run.folder = folder.path().string();
  run.epochs = 1;
  run.backup.delete_checkpoint = false;
  run.run();
  CHECK_FALSE(fs::exists(left));
  CHECK(fs::exists(folder / "backup" / "latest.checkpoint"));
}

TEST_CASE("A damaged checkpoint is refused, or gives way to the one before") {
  const TempDir folder;
  Run run;
  run.folder = folder.path().string();
  run.backup = {.save_freq = 3, .double_checkpoint = true};
  run.extra = {kill_after(9)};
  CHECK_THROWS_AS(run.run(), Killed);
  run.extra = {};
  const fs::path latest = folder / "backup" / "latest.checkpoint";
  const fs::path previous = folder / "backup" / "previous.checkpoint";
  const std::string good = read_file(latest);
  REQUIRE(fs::exists(previous));
  CHECK(read_file(previous) != good);

  std::string flipped = good;
  flipped[flipped.find("NUMPY") + 150] ^= 1;  // among the numbers
  write_file(latest, flipped);
  const Outcome whole = undisturbed(run);
  {
    const LogCapture capture;
    CHECK(run.run(99) == whole);
    CHECK(capture.contains("goes on from the checkpoint before the last: "));
  }

  fs::create_directory(folder / "backup");
  write_file(latest, flipped);
  const std::string message = problem(run);
  CAPTURE(message);
  CHECK(message.find("[BackupAndRestore ") == 0);
  CHECK(message.find("is no whole checkpoint") != std::string::npos);
  CHECK(message.find("checksum") != std::string::npos);
  CHECK(message.find("remove the folder to begin anew") != std::string::npos);
  write_file(latest, good.substr(0, good.size() / 2));
  CHECK(problem(run).find("is no whole checkpoint") != std::string::npos);
}

TEST_CASE("No damage to a checkpoint is taken for a run") {
  const TempDir folder;
  Run run;
  run.folder = folder.path().string();
  run.epochs = 1;
  run.backup.delete_checkpoint = false;
  run.run();
  const fs::path path = folder / "backup" / "latest.checkpoint";
  const std::string good = read_file(path);
  const Checkpoint whole = read_checkpoint(path.string());
  int refused = 0;
  const auto attempt = [&](const std::string& bytes) {
    write_file(path, bytes);
    try {
      const Checkpoint read = read_checkpoint(path.string());
      // Dates and the like carry nothing.
      CHECK(read.values == whole.values);
      CHECK(read.arrays == whole.arrays);
    } catch (const InvalidArgument&) {
      ++refused;
    } catch (const SystemError&) {
      ++refused;  // an empty file
    }
  };
  cut_at_every_percent(good, attempt);
  CHECK(refused == 100);
  change_bytes(good, attempt);
  CHECK(refused > 1000);
}

TEST_CASE("A checkpoint of another run is refused and says why") {
  const TempDir folder;
  Run run;
  run.folder = folder.path().string();
  run.epochs = 1;
  run.backup.delete_checkpoint = false;
  run.run();
  Run other = run;
  other.fit = [](Model& model, FitArguments arguments) {
    arguments.batch_size = 4;
    return model.fit(examples().x, examples().y, arguments);
  };
  CHECK(
      problem(other).find("is of a run with batch_size=5, this one has 4") !=
      std::string::npos);
  other.fit = [](Model& model, FitArguments arguments) {
    arguments.validation_data.reset();
    return model.fit(examples().x, examples().y, arguments);
  };
  CHECK(
      problem(other).find("is of a run with validation data, this one has "
                          "none") != std::string::npos);
  other.fit = [](Model&, FitArguments arguments) {
    Sequential wide({Input({4}), Dense(7), Dense(1)});
    wide.compile({.optimizer = "sgd", .loss = "mse", .metrics = {"mae"}});
    return wide.fit(examples().x, examples().y, arguments);
  };
  const std::string message = problem(other);
  CAPTURE(message);
  CHECK(
      message.find("is of another model; weights/0: holds f32[4,8], the "
                   "model wants f32[4,7]") != std::string::npos);
  CHECK(message.find("which the model lacks") != std::string::npos);
  other.fit = on(pipeline);
  CHECK(problem(other).find("the checkpoint") != std::string::npos);
  // As it was: nothing has been written over.
  CHECK(callbacks::find_checkpoint(run.folder + "/backup")->finished);
}

TEST_CASE(
    "A folder that cannot be written is a warning, and training goes on") {
  const TempDir folder;
  write_file(folder / "backup", "a file in the way");
  Run run;
  run.folder = folder.path().string();
  const LogCapture capture;
  CHECK(run.run() == undisturbed(run));
  CHECK(capture.contains("no checkpoint was written: "));
  CHECK(capture.contains("training goes on"));
}

TEST_CASE("A folder that vanishes is a warning, and is made anew") {
  const TempDir folder;
  Run run;
  run.folder = folder.path().string();
  run.backup.delete_checkpoint = false;
  run.extra = {callbacks::LambdaCallback(
      {.on_epoch_begin = [&](std::int64_t epoch, Logs&) {
        if (epoch != 2) return;
        while (!fs::exists(folder / "backup" / "latest.checkpoint")) {
        }
        std::error_code busy;  // what is written comes in between
        do {
          fs::remove_all(folder / "backup", busy);
        } while (busy);
      }})};
  const LogCapture capture;
  run.run();
  CHECK(capture.contains("the folder has vanished"));
  CHECK(callbacks::find_checkpoint(run.folder + "/backup")->finished);
}

TEST_CASE("A full disk is a warning, and the last good checkpoint stays") {
  const TempDir folder;
  Run run;
  run.folder = folder.path().string();
  run.epochs = 1;
  run.backup.delete_checkpoint = false;
  run.run();
  const fs::path path = folder / "backup" / "latest.checkpoint";
  const std::string good = read_file(path);

  run.epochs = 3;

  struct rlimit before {};

  getrlimit(RLIMIT_FSIZE, &before);

  const struct rlimit small { 1000, before.rlim_max };

  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  {
    const LogCapture capture;
    setrlimit(RLIMIT_FSIZE, &small);
    const Outcome outcome = run.run();
    setrlimit(RLIMIT_FSIZE, &before);
    CHECK(outcome.history.epoch.size() == 3);
    CHECK(capture.contains("no checkpoint was written: "));
  }
  std::signal(SIGXFSZ, handler);
  CHECK(read_file(path) == good);
  for (const auto& entry : fs::directory_iterator(folder / "backup")) {
    CHECK(entry.path().filename() == "latest.checkpoint");
  }
}

TEST_CASE(
    "What was chosen by timing is in the checkpoint and is taken from it") {
  const TempDir folder;
  Run run;
  run.folder = folder.path().string();
  run.epochs = 1;
  run.backup.delete_checkpoint = false;
  run.run();
  const fs::path path = folder / "backup" / "latest.checkpoint";
  Checkpoint checkpoint = read_checkpoint(path.string());
  CHECK(checkpoint.values.contains("choices"));
  const Choices::Work work{"a place", "a work", 5};
  Choices choices;
  choices.set(work, "the third");
  checkpoint.values["choices"] = choices.to_config();
  write_checkpoint(path.string(), checkpoint);
  const auto plain = run.fit;
  run.fit = [&](Model& model, const FitArguments& arguments) {
    History history = plain(model, arguments);
    CHECK(
        model.model_impl().trainer_state().choices->find(work) == "the third");
    return history;
  };
  run.run(99);
}

TEST_CASE("A callback of one's own keeps what it has to know") {
  struct Counter final : Callback {
    std::int64_t steps = 0;
    Tensor last{DType::f64, {2}};
    bool resumed = false;

    void on_train_begin(Logs&) override {
      resumed = params().resumed;
      steps = 0;
    }

    void on_train_batch_end(std::int64_t batch, Logs&) override {
      ++steps;
      last.mutable_data<double>()[0] = static_cast<double>(batch);
    }

    void save_state(CallbackState& state) const override {
      state.values["steps"] = steps;
      state.arrays["last"] = last;
    }

    void restore_state(const CallbackState& state) override {
      steps = state.values.at("steps").as_int();
      last = state.arrays.at("last");
    }
  };

  const TempDir folder;
  Run run;
  run.folder = folder.path().string();
  run.backup.save_freq = 3;
  run.epochs = 2;
  const auto first = std::make_shared<Counter>();
  run.extra = {first, kill_after(7)};
  CHECK_THROWS_AS(run.run(), Killed);
  CHECK_FALSE(first->resumed);
  const auto second = std::make_shared<Counter>();
  // Another callback in front takes nothing of it.
  run.extra = {callbacks::TerminateOnNaN(), second};
  run.run(99);
  CHECK(second->resumed);
  CHECK(second->steps == 10);
  CHECK(second->last.at(0) == 4);
  // One that is missing is not passed over in silence.
  run.extra = {first, kill_after(7)};
  CHECK_THROWS_AS(run.run(), Killed);
  run.extra = {};
  CHECK(problem(run).find("Counter") != std::string::npos);
}

TEST_CASE("BackupAndRestore's arguments are checked") {
  CHECK_THROWS_AS(callbacks::BackupAndRestore(""), InvalidArgument);
  const TempDir folder;
  Run run;
  run.folder = folder.path().string();
  run.extra = {callbacks::BackupAndRestore(run.folder + "/other")};
  CHECK(
      problem(run).find("expected one BackupAndRestore") != std::string::npos);
  CHECK_FALSE(callbacks::find_checkpoint(run.folder + "/none").has_value());
}

TEST_CASE("What is written beside the training keeps nobody waiting") {
  std::string done;
  std::promise<void> begun;
  std::promise<void> go;
  {
    BackgroundWriter writer(BackgroundWriter::WhenBusy::replace);
    writer.add([&] {
      begun.set_value();
      go.get_future().wait();
      done += "1";
    });
    begun.get_future().wait();
    writer.add([&] { done += "2"; });  // gives way to the next
    writer.add([&] { done += "3"; });
    CHECK(done.empty());
    go.set_value();
    writer.wait();
    CHECK(done == "13");
    writer.add([&] { done += "4"; });
  }
  CHECK(done == "134");
  {
    BackgroundWriter writer(BackgroundWriter::WhenBusy::wait);
    for (const char* text : {"5", "6", "7", "8"}) {
      writer.add([&done, text] { done += text; });
    }
  }
  CHECK(done == "1345678");
}
