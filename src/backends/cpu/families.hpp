#pragma once

#include <vector>

#include "src/backends/host/kernel.hpp"

/// The kernels of each file of this folder, in the order they are tried. Only
/// backend.cpp calls these.
namespace keratin::cpu::families {

std::vector<host::KernelEntry> matmul_kernels();
std::vector<host::KernelEntry> conv_kernels();
std::vector<host::KernelEntry> pool_kernels();
std::vector<host::KernelEntry> elementwise_kernels();  // and fused
std::vector<host::KernelEntry> reduce_kernels();
std::vector<host::KernelEntry> softmax_kernels();
std::vector<host::KernelEntry> batch_norm_kernels();
std::vector<host::KernelEntry> layer_norm_kernels();
std::vector<host::KernelEntry> attention_kernels();
std::vector<host::KernelEntry> random_kernels();
std::vector<host::KernelEntry> move_kernels();
std::vector<host::KernelEntry> index_kernels();

}  // namespace keratin::cpu::families
