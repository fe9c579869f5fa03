#pragma once

/// Everything a program that builds, trains and saves models needs.

#include <keratin/activations.hpp>
#include <keratin/backend.hpp>
#include <keratin/callbacks.hpp>
#include <keratin/config.hpp>
#include <keratin/constraints.hpp>
#include <keratin/data/scaler.hpp>
#include <keratin/data/split.hpp>
#include <keratin/datasets.hpp>
#include <keratin/error.hpp>
#include <keratin/function.hpp>
#include <keratin/gradients.hpp>
#include <keratin/image.hpp>
#include <keratin/initializers.hpp>
#include <keratin/io/csv.hpp>
#include <keratin/io/idx.hpp>
#include <keratin/io/npy.hpp>
#include <keratin/layers.hpp>
#include <keratin/losses.hpp>
#include <keratin/metrics.hpp>
#include <keratin/model.hpp>
#include <keratin/ops.hpp>
#include <keratin/optimizers.hpp>
#include <keratin/random.hpp>
#include <keratin/regularizers.hpp>
#include <keratin/schedules.hpp>
#include <keratin/tensor.hpp>
#include <keratin/tensor_set.hpp>
#include <keratin/threads.hpp>
#include <keratin/training.hpp>
#include <keratin/utils.hpp>
