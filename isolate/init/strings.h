// The strings of a stage: arguments, environment and layers, NUL-separated in one payload.
#pragma once

#include <cstddef>
#include <span>

#include "isolate/protocol.h"

namespace isolate {

// Room for the pointers: argv, NULL, environment, NULL; and layers. They point into the payload.
struct StageStrings {
    char* strings[max_arguments + 2];
    char* layers[max_layers];
};

// Finds them. False if the payload is anything but the announced number of strings, and layers that
// are not layers' names; then the pointers mean nothing. Allocates nothing.
bool find_strings(const SpawnStage& stage, std::span<const std::byte> payload, StageStrings& found);

}  // namespace isolate
