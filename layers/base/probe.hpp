#pragma once

#include <keratin/layer.hpp>

namespace keratin {

/// While a layer's shapes are inferred by tracing, the dimensions that stand
/// for unknown ones made unknown again; otherwise the shape as it is.
Shape hide_probe(const Shape& shape);

}  // namespace keratin
