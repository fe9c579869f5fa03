// Callbacks of a few lines.

#include <cmath>
#include <cstdio>
#include <utility>

#include <keratin/callbacks.hpp>
#include <keratin/error.hpp>

#include "src/core/format.hpp"

namespace keratin {

namespace {

class LambdaCallbackImpl final : public Callback {
 public:
  explicit LambdaCallbackImpl(callbacks::LambdaCallbackOptions options)
      : options_(std::move(options)) {}

  void on_epoch_begin(std::int64_t epoch, Logs& logs) override {
    if (options_.on_epoch_begin) options_.on_epoch_begin(epoch, logs);
  }

  void on_epoch_end(std::int64_t epoch, Logs& logs) override {
    if (options_.on_epoch_end) options_.on_epoch_end(epoch, logs);
  }

  void on_train_begin(Logs& logs) override {
    if (options_.on_train_begin) options_.on_train_begin(logs);
  }

  void on_train_end(Logs& logs) override {
    if (options_.on_train_end) options_.on_train_end(logs);
  }

  void on_train_batch_begin(std::int64_t batch, Logs& logs) override {
    if (options_.on_train_batch_begin) {
      options_.on_train_batch_begin(batch, logs);
    }
  }

  void on_train_batch_end(std::int64_t batch, Logs& logs) override {
    if (options_.on_train_batch_end) options_.on_train_batch_end(batch, logs);
  }

  void on_test_begin(Logs& logs) override {
    if (options_.on_test_begin) options_.on_test_begin(logs);
  }

  void on_test_end(Logs& logs) override {
    if (options_.on_test_end) options_.on_test_end(logs);
  }

  void on_test_batch_begin(std::int64_t batch, Logs& logs) override {
    if (options_.on_test_batch_begin) options_.on_test_batch_begin(batch, logs);
  }

  void on_test_batch_end(std::int64_t batch, Logs& logs) override {
    if (options_.on_test_batch_end) options_.on_test_batch_end(batch, logs);
  }

  void on_predict_begin(Logs& logs) override {
    if (options_.on_predict_begin) options_.on_predict_begin(logs);
  }

  void on_predict_end(Logs& logs) override {
    if (options_.on_predict_end) options_.on_predict_end(logs);
  }

  void on_predict_batch_begin(std::int64_t batch, Logs& logs) override {
    if (options_.on_predict_batch_begin) {
      options_.on_predict_batch_begin(batch, logs);
    }
  }

  void on_predict_batch_end(std::int64_t batch, Logs& logs) override {
    if (options_.on_predict_batch_end) {
      options_.on_predict_batch_end(batch, logs);
    }
  }

 private:
  callbacks::LambdaCallbackOptions options_;
};

class TerminateOnNaNCallback final : public Callback {
 public:
  explicit TerminateOnNaNCallback(callbacks::TerminateOnNaNOptions options)
      : options_(options) {}

  void on_train_batch_end(std::int64_t batch, Logs& logs) override {
    const std::optional<double> loss = logs.find("loss");
    if (!loss || std::isfinite(*loss)) return;
    if (options_.raise_error) {
      throw Error(format(
          "[TerminateOnNaN] NaN or Inf loss encountered at batch {}: {}",
          batch,
          *loss));
    }
    std::printf(
        "Batch %lld: Invalid loss, terminating training\n",
        static_cast<long long>(batch));
    model().stop_training = true;
  }

 private:
  callbacks::TerminateOnNaNOptions options_;
};

}  // namespace

std::shared_ptr<Callback> callbacks::LambdaCallback(
    LambdaCallbackOptions options) {
  return std::make_shared<LambdaCallbackImpl>(std::move(options));
}

std::shared_ptr<Callback> callbacks::TerminateOnNaN(
    TerminateOnNaNOptions options) {
  return std::make_shared<TerminateOnNaNCallback>(options);
}

}  // namespace keratin
