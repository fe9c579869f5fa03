#pragma once

#include <functional>
#include <memory>
#include <string>

#include "src/data/pipeline/node.hpp"

/// One function a node, for dataset.cpp. Arguments are checked there.
namespace keratin::data {

NodePtr make_slices(Element arrays);
NodePtr make_single(Element element);
NodePtr make_generator(std::function<Dataset::Generator()> start);
NodePtr make_range(std::int64_t start, std::int64_t stop, std::int64_t step);

using MapFunction = std::function<Element(Element, const MapContext&)>;

/// `label`: what a profile calls it.
NodePtr make_map(
    NodePtr input,
    MapFunction f,
    const MapOptions& options,
    std::string label = "map");
NodePtr make_filter(NodePtr input, std::function<bool(const Element&)> keep);
NodePtr make_shuffle(
    NodePtr input, std::int64_t buffer_size, const ShuffleOptions& options);
NodePtr make_batch(NodePtr input, std::int64_t size, bool drop_remainder);
NodePtr make_padded_batch(
    NodePtr input, std::int64_t size, const PaddedBatchOptions& options);
NodePtr make_unbatch(NodePtr input);
NodePtr make_repeat(NodePtr input, std::optional<std::int64_t> count);
NodePtr make_take(NodePtr input, std::int64_t count);
NodePtr make_skip(NodePtr input, std::int64_t count);
NodePtr make_shard(NodePtr input, std::int64_t num_shards, std::int64_t index);
NodePtr make_memory_cache(NodePtr input);
NodePtr make_file_cache(NodePtr input, std::string path);
NodePtr make_prefetch(NodePtr input, std::int64_t size);
NodePtr make_concatenate(NodePtr first, NodePtr second);
NodePtr make_zip(std::vector<NodePtr> inputs);
NodePtr make_interleave(
    NodePtr input,
    std::function<Dataset(const Element&)> f,
    const InterleaveOptions& options);
NodePtr make_enumerate(NodePtr input, std::int64_t start);

}  // namespace keratin::data
