#include "src/data/pipeline/stage_clock.hpp"

#include <utility>

namespace keratin::data {
namespace {

thread_local StageTimer* innermost = nullptr;

class TimedCursor final : public Cursor {
 public:
  TimedCursor(CursorPtr cursor, Stage& stage, bool counts)
      : cursor_(std::move(cursor)), stage_(stage), counts_(counts) {}

  bool next(Pending& out) override {
    const StageTimer timer(stage_, cursor_->waits());
    if (!cursor_->next(out)) return false;
    if (counts_) ++stage_.elements;
    if (!out.is_put_off()) return true;
    auto from = std::make_shared<Pending>(std::move(out));
    out = Pending([from, &stage = stage_] {
      const StageTimer making(stage, false);
      return from->take();
    });
    return true;
  }

  std::int64_t skip(std::int64_t count) override {
    const StageTimer timer(stage_, false);
    return cursor_->skip(count);
  }

  bool waits() const override { return cursor_->waits(); }

 private:
  CursorPtr cursor_;
  Stage& stage_;
  bool counts_;
};

}  // namespace

StageClock::StageClock(const Node& root) {
  add(root);
}

void StageClock::add(const Node& node) {
  for (const NodePtr& input : node.inputs()) add(*input);
  if (by_node_.contains(&node)) return;
  stages_.push_back(std::make_unique<Stage>());
  stages_.back()->node = &node;
  by_node_[&node] = stages_.back().get();
}

Stage* StageClock::of(const Node& node) const {
  const auto found = by_node_.find(&node);
  return found == by_node_.end() ? nullptr : found->second;
}

std::vector<StageProfile> StageClock::profile() const {
  std::vector<StageProfile> out;
  for (const auto& stage : stages_) {
    out.push_back(
        {stage->node->label(),
         stage->elements,
         static_cast<double>(stage->work_ns) * 1e-9,
         static_cast<double>(stage->wait_ns) * 1e-9});
  }
  return out;
}

StageTimer::StageTimer(Stage& stage, bool waits)
    : stage_(stage),
      waits_(waits),
      outer_(std::exchange(innermost, this)),
      start_(Clock::now()) {}

StageTimer::~StageTimer() {
  const auto all = Clock::now() - start_;
  innermost = outer_;
  if (outer_ != nullptr) outer_->inside_ += all;
  const auto own =
      std::chrono::duration_cast<std::chrono::nanoseconds>(all - inside_);
  (waits_ ? stage_.wait_ns : stage_.work_ns) += own.count();
}

CursorPtr timed(
    const Node& node, const Pass& pass, CursorPtr cursor, bool counts) {
  Stage* const stage = pass.clock != nullptr ? pass.clock->of(node) : nullptr;
  if (stage == nullptr) return cursor;
  return std::make_unique<TimedCursor>(std::move(cursor), *stage, counts);
}

DatasetProfile profile(
    const Dataset& dataset,
    std::int64_t max_elements,
    const std::function<void(const Element&)>& see) {
  using Clock = std::chrono::steady_clock;
  const NodePtr root = dataset.node();
  StageClock clock(*root);
  DatasetProfile out;
  Clock::duration time{};
  {
    const PassEnd end;
    Pass pass{0};
    pass.stop = end.flag();
    pass.clock = &clock;
    const auto before = Clock::now();
    const CursorPtr cursor = root->start(pass);
    time += Clock::now() - before;
    while (max_elements < 0 || out.elements < max_elements) {
      const auto start = Clock::now();
      Pending pending;
      const bool more = cursor->next(pending);
      std::optional<Element> element;
      if (more) element = pending.take();
      time += Clock::now() - start;
      if (!element) break;
      ++out.elements;
      if (see) see(*element);
    }
    end.flag()->set();  // before the cursor goes and waits for its threads
  }
  out.stages = clock.profile();
  out.seconds = std::chrono::duration<double>(time).count();
  return out;
}

}  // namespace keratin::data
