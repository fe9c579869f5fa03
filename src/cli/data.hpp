#pragma once

#include <string>

#include <keratin/experiment.hpp>

namespace keratin::cli {

/// What --data names: a data set ("digits", "mnist"), the data of a config
/// ("x.json"), or arrays (x.npy; an .npz with x and maybe y). A part may
/// follow: "digits:test" (the default where there is one), "digits:train",
/// "x.json:validation".
/// y is empty when there are no targets. Pictures in folders come as batches.
DataPart read_data(const std::string& spec);

/// The arrays of a part of the data, whatever it is.
data::Examples collect(const DataPart& part);

/// One line for --help.
inline constexpr const char* kDataHelp =
    "Data set (digits, mnist, ...), config or file (.npy, .npz), with the part "
    "if not test: digits:train";

}  // namespace keratin::cli
