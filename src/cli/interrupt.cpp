#include "src/cli/interrupt.hpp"

#include <csignal>
#include <initializer_list>

namespace keratin::cli {

namespace {

volatile std::sig_atomic_t g_signal = 0;

extern "C" void note_interrupt(int signal) {
  g_signal = signal;
}

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

}  // namespace keratin::cli
