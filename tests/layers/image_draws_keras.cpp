#include "tests/layers/image_draws_keras.hpp"

// clang-format off
// Written by image_draws_keras.py with Keras 3.15.1.

namespace keratin::testing {

namespace {

constexpr KerasDraws kDraws[] = {
    {R"({"module": "keras.layers", "class_name": "RandomCrop", "config": {"name": "random_crop", "trainable": true, "dtype": {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": null}, "data_format": "channels_last", "height": 5, "width": 6, "seed": 441340437}, "registered_name": null, "build_config": {"input_shape": [4, 8, 8, 3]}})",
     4,
     {{{131.357, 0.059927, 28.139, 0.294094, 122.622, 143.567}, {141.24, 1.16098, 5776.15, 72.1552, 7, 253}, {137.341, 1.20564, 5430.47, 72.351, 1, 254}}}},
    {R"({"module": "keras.layers", "class_name": "RandomFlip", "config": {"name": "random_flip", "trainable": true, "dtype": {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": null}, "data_format": "channels_last", "seed": null, "mode": "horizontal_and_vertical"}, "registered_name": null, "build_config": {"input_shape": [200, 8, 8, 3]}})",
     200,
     {{{127.363, 1.6241e-14, 8.3516, 7.61296e-16, 123.583, 134.25}, {129.427, 0.565719, 5543.95, 42.8777, 7, 253}, {126.424, 0.401146, 5295.19, 23.504, 6, 248}}}},
    {R"({"module": "keras.layers", "class_name": "RandomFlip", "config": {"name": "random_flip_1", "trainable": true, "dtype": {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": null}, "data_format": "channels_last", "seed": null, "mode": "horizontal"}, "registered_name": null, "build_config": {"input_shape": [200, 8, 8, 3]}})",
     200,
     {{{127.363, 1.6241e-14, 8.3516, 7.61296e-16, 123.583, 134.25}, {129.956, 0.493933, 5488.45, 28.4291, 9, 253}, {121.737, 0.55635, 5335.62, 42.1754, 1, 246}}}},
    {R"({"module": "keras.layers", "class_name": "RandomRotation", "config": {"name": "random_rotation", "trainable": true, "dtype": {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": null}, "data_format": "channels_last", "factor": [-0.2, 0.2], "fill_mode": "reflect", "fill_value": 0.0, "interpolation": "bilinear", "seed": null}, "registered_name": null, "build_config": {"input_shape": [200, 8, 8, 3]}})",
     200,
     {{{127.716, 0.01753, 24.2301, 0.160726, 118.84, 140.057}, {129.445, 0.409417, 1611.26, 18.7189, 10.5931, 252.252}, {126.275, 0.325226, 1881.97, 21.4839, 6.00919, 245.831}}}},
    {R"({"module": "keras.layers", "class_name": "RandomRotation", "config": {"name": "random_rotation_1", "trainable": true, "dtype": {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": null}, "data_format": "channels_last", "factor": [-0.1, 0.3], "fill_mode": "constant", "fill_value": 9.0, "interpolation": "bilinear", "seed": null}, "registered_name": null, "build_config": {"input_shape": [200, 8, 8, 3]}})",
     200,
     {{{115.066, 0.0607448, 47.0201, 0.503499, 101.907, 134.186}, {127.238, 0.407841, 1779.92, 24.7802, 0.625412, 252.355}, {127.984, 0.358797, 2469.19, 27.6982, 6.14518, 249.957}}}},
    {R"({"module": "keras.layers", "class_name": "RandomTranslation", "config": {"name": "random_translation", "trainable": true, "dtype": {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": null}, "data_format": "channels_last", "height_factor": 0.3, "width_factor": [-0.2, 0.4], "fill_mode": "wrap", "interpolation": "bilinear", "seed": null, "fill_value": 0.0}, "registered_name": null, "build_config": {"input_shape": [200, 8, 8, 3]}})",
     200,
     {{{127.292, 0.0146811, 11.9256, 0.0894135, 119.246, 137.8}, {126.029, 0.462142, 3088.41, 36.6387, 1, 248.635}, {127.247, 0.461503, 2176.11, 25.916, 2.42148, 253.55}}}},
    {R"({"module": "keras.layers", "class_name": "RandomZoom", "config": {"name": "random_zoom", "trainable": true, "dtype": {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": null}, "data_format": "channels_last", "height_factor": 0.3, "width_factor": null, "fill_mode": "reflect", "interpolation": "bilinear", "seed": null, "fill_value": 0.0}, "registered_name": null, "build_config": {"input_shape": [200, 8, 8, 3]}})",
     200,
     {{{127.359, 0.0169556, 11.3075, 0.14785, 121.414, 140.481}, {132.011, 0.281969, 1866.98, 20.1009, 13.1595, 252.234}, {125.601, 0.0961518, 3607.72, 12.1324, 6.02852, 245.954}}}},
    {R"({"module": "keras.layers", "class_name": "RandomZoom", "config": {"name": "random_zoom_1", "trainable": true, "dtype": {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": null}, "data_format": "channels_last", "height_factor": [-0.4, 0.2], "width_factor": 0.3, "fill_mode": "nearest", "interpolation": "bilinear", "seed": null, "fill_value": 0.0}, "registered_name": null, "build_config": {"input_shape": [200, 8, 8, 3]}})",
     200,
     {{{127.406, 0.0218142, 18.9268, 0.186589, 115.632, 141.641}, {131.207, 0.283355, 1637.56, 16.8991, 16.6919, 247.636}, {125.643, 0.0879423, 3468.45, 11.3712, 6.19786, 244.979}}}},
    {R"({"module": "keras.layers", "class_name": "RandomShear", "config": {"name": "random_shear", "trainable": true, "dtype": {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": null}, "data_format": "channels_last", "x_factor": [-0.5, 0.5], "y_factor": [0.1, 0.3], "fill_mode": "reflect", "interpolation": "bilinear", "seed": null, "fill_value": 0.0}, "registered_name": null, "build_config": {"input_shape": [200, 8, 8, 3]}})",
     200,
     {{{127.318, 0.022554, 13.2488, 0.161776, 119.599, 140.217}, {131.333, 0.204067, 1163.02, 11.0486, 34.5874, 231.613}, {126.967, 0.336492, 1424.62, 17.1302, 10.6451, 238.743}}}},
    {R"({"module": "keras.layers", "class_name": "RandomPerspective", "config": {"name": "random_perspective", "trainable": true, "dtype": {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": null}, "data_format": "channels_last", "factor": [0, 0.8], "scale": 0.5, "interpolation": "bilinear", "fill_value": 0.0, "seed": null}, "registered_name": null, "build_config": {"input_shape": [200, 8, 8, 3]}})",
     200,
     {{{122.749, 0.0859052, 75.607, 1.80512, 79.817, 136.827}, {130.881, 0.310226, 4107.62, 27.5509, 7.92243, 253}, {125.714, 0.367781, 3817.65, 31.278, 6, 246}}}},
};

}  // namespace

std::span<const KerasDraws> keras_draws() {
  return kDraws;
}

}  // namespace keratin::testing
