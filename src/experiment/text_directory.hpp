#pragma once

#include <string>
#include <vector>

#include <keratin/data/examples.hpp>

namespace keratin::experiment {

/// Throws InvalidArgument unless `folder` has a folder per class.
void check_text_directory(const std::string& folder, const std::string& where);

/// A folder with a folder per class and a text per file: x: strings [n], y: the
/// class [n], both in the order of names. Classes are the folders' names,
/// sorted, unless they are given.
data::Examples read_text_directory(
    const std::string& folder,
    const std::vector<std::string>& classes,
    const std::string& where);

}  // namespace keratin::experiment
