// The list of runtimes as Piston's GET /runtimes answers it.
#pragma once

#include <string>

#include "engine/runtime.h"

namespace wire {

// [{"language","version","aliases","runtime"?}, …] in the order of the list; `runtime`, the
// package, only where one package holds several languages.
std::string encode_runtimes(const engine::Runtimes& runtimes);

}  // namespace wire
