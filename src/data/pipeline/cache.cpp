// Elements kept: in memory, or in a file.

#include <filesystem>
#include <mutex>
#include <utility>

#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/data/pipeline/element_file.hpp"
#include "src/data/pipeline/nodes.hpp"

namespace keratin::data {
namespace {

/// Elements as they lie in memory or in a file.
class Kept {
 public:
  Kept() = default;
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;
  virtual ~Kept() = default;

  virtual std::int64_t size() const = 0;
  virtual Element at(std::int64_t index) const = 0;
};

/// Collects elements in a first pass.
class Keeper {
 public:
  Keeper() = default;
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;
  virtual ~Keeper() = default;

  virtual void add(const Element& element) = 0;
  virtual std::shared_ptr<const Kept> finish() = 0;
};

class KeptInMemory final : public Kept {
 public:
  explicit KeptInMemory(std::vector<Element> elements)
      : elements_(std::move(elements)) {}

  std::int64_t size() const override {
    return static_cast<std::int64_t>(elements_.size());
  }

  Element at(std::int64_t index) const override {
    return elements_[static_cast<std::size_t>(index)];
  }

 private:
  std::vector<Element> elements_;
};

class MemoryKeeper final : public Keeper {
 public:
  void add(const Element& element) override { elements_.push_back(element); }

  std::shared_ptr<const Kept> finish() override {
    return std::make_shared<KeptInMemory>(std::move(elements_));
  }

 private:
  std::vector<Element> elements_;
};

class KeptInFile final : public Kept {
 public:
  KeptInFile(const std::string& path, const std::string& content)
      : reader_(path, content) {}

  std::int64_t size() const override { return reader_.size(); }

  Element at(std::int64_t index) const override { return reader_.read(index); }

 private:
  ElementFileReader reader_;
};

class FileKeeper final : public Keeper {
 public:
  FileKeeper(std::string path, std::string content)
      : path_(std::move(path)),
        content_(std::move(content)),
        writer_(path_, content_) {}

  void add(const Element& element) override { writer_.write(element); }

  std::shared_ptr<const Kept> finish() override {
    writer_.commit();
    return std::make_shared<KeptInFile>(path_, content_);
  }

 private:
  std::string path_;
  std::string content_;
  ElementFileWriter writer_;
};

class CacheNode final : public Node {
 public:
  CacheNode(NodePtr input, std::string path)
      : Node({std::move(input)}), path_(std::move(path)) {}

  CursorPtr open(const Pass& pass) const override;

  std::int64_t cardinality() const override {
    const std::shared_ptr<const Kept> kept = find();
    return kept ? kept->size() : input().cardinality();
  }

  std::string describe() const override { return "cache"; }

 private:
  class Filling;
  class Reading;

  std::shared_ptr<const Kept> find() const {
    const std::lock_guard lock(mutex_);
    if (!kept_ && !path_.empty() && std::filesystem::exists(path_)) {
      kept_ = std::make_shared<KeptInFile>(path_, describe_tree(input()));
    }
    return kept_;
  }

  void keep(std::shared_ptr<const Kept> kept) const {
    const std::lock_guard lock(mutex_);
    kept_ = std::move(kept);
  }

  std::string path_;  // empty: in memory
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const Kept> kept_;  // once a pass came to its end
};

class CacheNode::Filling final : public Cursor {
 public:
  Filling(const CacheNode& node, const Pass& pass)
      : node_(node),
        // Whichever pass fills it, so that one resumed later has the same.
        input_(node.input().start(pass.in_epoch(0))) {
    if (node.path_.empty()) {
      keeper_ = std::make_unique<MemoryKeeper>();
    } else {
      keeper_ =
          std::make_unique<FileKeeper>(node.path_, describe_tree(node.input()));
    }
  }

  bool next(Pending& out) override {
    if (ended_) return false;
    // Nothing is kept of a pass in which an element is missing.
    std::unique_ptr<Keeper> keeper = std::exchange(keeper_, nullptr);
    if (!input_->next(out)) {
      ended_ = true;
      if (keeper) node_.keep(keeper->finish());
      return false;
    }
    Element element = out.take();
    if (keeper) keeper->add(element);
    keeper_ = std::move(keeper);
    out = Pending(std::move(element));
    return true;
  }

 private:
  const CacheNode& node_;
  CursorPtr input_;
  std::unique_ptr<Keeper> keeper_;  // null once an element was not given
  bool ended_ = false;
};

class CacheNode::Reading final : public Cursor {
 public:
  explicit Reading(std::shared_ptr<const Kept> kept) : kept_(std::move(kept)) {}

  bool next(Pending& out) override {
    if (position_ >= kept_->size()) return false;
    out = Pending(
        [kept = kept_, index = position_++] { return kept->at(index); });
    return true;
  }

  std::int64_t skip(std::int64_t count) override {
    const std::int64_t skipped = std::min(count, kept_->size() - position_);
    position_ += skipped;
    return skipped;
  }

 private:
  std::shared_ptr<const Kept> kept_;
  std::int64_t position_ = 0;
};

CursorPtr CacheNode::open(const Pass& pass) const {
  if (std::shared_ptr<const Kept> kept = find()) {
    return std::make_unique<Reading>(std::move(kept));
  }
  return std::make_unique<Filling>(*this, pass);
}

}  // namespace

NodePtr make_memory_cache(NodePtr input) {
  return std::make_shared<CacheNode>(std::move(input), std::string());
}

NodePtr make_file_cache(NodePtr input, std::string path) {
  return std::make_shared<CacheNode>(std::move(input), std::move(path));
}

}  // namespace keratin::data
