#pragma once

/// All layers that come with Keratin.

#include <keratin/layers/activation.hpp>
#include <keratin/layers/applications.hpp>
#include <keratin/layers/attention.hpp>
#include <keratin/layers/convolution.hpp>
#include <keratin/layers/core.hpp>
#include <keratin/layers/image_preprocessing.hpp>
#include <keratin/layers/input.hpp>
#include <keratin/layers/legacy.hpp>
#include <keratin/layers/merging.hpp>
#include <keratin/layers/normalization.hpp>
#include <keratin/layers/pooling.hpp>
#include <keratin/layers/preprocessing.hpp>
#include <keratin/layers/recurrent.hpp>
#include <keratin/layers/regularization.hpp>
#include <keratin/layers/reshaping.hpp>
#include <keratin/layers/spectrogram.hpp>
#include <keratin/layers/text.hpp>
#include <keratin/layers/wrappers.hpp>
