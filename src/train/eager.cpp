// A layer called on an array: a small program, run at once.

#include <vector>

#include <keratin/error.hpp>
#include <keratin/layer.hpp>

#include "src/core/format.hpp"
#include "src/ir/graph.hpp"
#include "src/runtime/program.hpp"
#include "src/runtime/registry.hpp"

namespace keratin {

Tensor Layer::operator()(const Tensor& x, bool training) const {
  if (!impl_->built()) {
    Shape shape = x.shape();
    if (!shape.empty()) shape[0] = kUnknown;
    impl_->ensure_built({shape});
  }
  Graph graph;
  CallContext ctx(graph, training);
  const Value value = graph.parameter({x.dtype(), x.shape()}, "x");
  const Value y = (*this)(ctx, value);
  ctx.finish();
  graph.set_outputs({y});
  Program program(graph, default_backend());
  const std::vector<Tensor> inputs = {x};
  return program.run(inputs)[0];
}

}  // namespace keratin
