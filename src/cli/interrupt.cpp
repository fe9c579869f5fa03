#include "src/cli/interrupt.hpp"

#include <csignal>

namespace keratin::cli {

namespace {

volatile std::sig_atomic_t g_signal = 0;

extern "C" void note_interrupt(int signal) {
  g_signal = signal;
}

class StopWhenInterrupted final : public Callback {
 public:
  void on_train_batch_end(std::int64_t, Logs&) override { look(); }

  void on_epoch_end(std::int64_t, Logs&) override { look(); }

 private:
  void look() {
    if (interrupted() != 0) model().stop_training = true;
  }
};

void set_handler(void (*handler)(int), int flags) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM}) {
    ::sigaction(signal, &action, nullptr);
  }
}

}  // namespace

InterruptScope::InterruptScope() {
  g_signal = 0;
  // RESETHAND: the second one finds the default handler.
  set_handler(note_interrupt, static_cast<int>(SA_RESTART | SA_RESETHAND));
}

InterruptScope::~InterruptScope() {
  set_handler(SIG_DFL, 0);
}

int interrupted() {
  return g_signal;
}

std::shared_ptr<Callback> stop_when_interrupted() {
  return std::make_shared<StopWhenInterrupted>();
}

}  // namespace keratin::cli
