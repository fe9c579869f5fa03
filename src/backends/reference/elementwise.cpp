#include "src/backends/reference/elementwise.hpp"

namespace keratin::reference {

BinaryKernel::BinaryKernel(const Graph& graph, const Node& node, BinaryRow row)
    : row_(row) {
  KERATIN_CHECK(row_ != nullptr, "{} for this dtype", op_name(node.op));
  const ValueType& a = graph.type(node.inputs[0]);
  const ValueType& b = graph.type(node.inputs[1]);
  const ValueType& y = graph.type(node.outputs[0]);
  operand_size_ = size_of(a.dtype);
  result_size_ = size_of(y.dtype);
  whole_[0] = a.shape == y.shape;
  whole_[1] = b.shape == y.shape;
  loop_ = StridedLoop(
      y.shape.dims(),
      {broadcast_strides(a.shape, y.shape),
       broadcast_strides(b.shape, y.shape),
       y.shape.strides()});
}

bool BinaryKernel::can_overwrite(int operand, int) const {
  return whole_[operand];
}

void BinaryKernel::run() {
  const auto* a = in(0).as<const std::byte>();
  const auto* b = in(1).as<const std::byte>();
  auto* y = out().as<std::byte>();
  const auto operand = static_cast<std::int64_t>(operand_size_);
  const auto result = static_cast<std::int64_t>(result_size_);
  loop_.run([&](const std::int64_t* offsets) {
    row_(
        a + offsets[0] * operand,
        loop_.row_stride(0),
        b + offsets[1] * operand,
        loop_.row_stride(1),
        y + offsets[2] * result,
        loop_.row_size());
  });
}

}  // namespace keratin::reference
