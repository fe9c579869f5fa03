#include "src/data/pipeline/stop.hpp"

#include <utility>

namespace keratin::data {
namespace {

thread_local StopScope* stop_scope = nullptr;
thread_local const StopFlag* stop_flag = nullptr;

}  // namespace

StopScope::StopScope(std::shared_ptr<const StopFlag> flag)
    : flag_(std::move(flag)), outer_(std::exchange(stop_scope, this)) {
  stop_flag = flag_.get();
}

StopScope::~StopScope() {
  stop_scope = outer_;
  stop_flag = outer_ != nullptr ? outer_->flag_.get() : nullptr;
}

std::shared_ptr<const StopFlag> StopScope::current() {
  return stop_scope != nullptr ? stop_scope->flag_ : nullptr;
}

void check_stop() {
  if (stop_flag != nullptr && stop_flag->is_set()) throw Stopped{};
}

}  // namespace keratin::data
