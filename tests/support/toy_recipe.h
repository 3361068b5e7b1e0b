// A package for tests of installing: one file, from an archive beside its recipe.
#pragma once

#include <cstddef>
#include <string>

namespace support {

// Makes <place>/<name>.tar with the file opt/<name>/data of that size, and
// <place>/recipes/<name>.toml that installs it as version 1.0.0.
void add_toy_recipe(const std::string& place, const std::string& name, std::size_t bytes);

}  // namespace support
