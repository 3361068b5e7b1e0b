// A program whose client does not keep up waits for it, instead of its output filling the memory.
#pragma once

#include <cstddef>
#include <memory>

#include "isolate/steering.h"

namespace resources {

// More than this unsent, and the program's output is not read any more until all has been taken.
inline constexpr std::size_t high_water = std::size_t{256} << 10;

// To be called once: `client` (an http::Stream, a ws::Link) tells the steering when it has caught
// up.
template <typename Client>
void release_when_drained(Client& client, const std::shared_ptr<isolate::Steering>& steering) {
    client.on_drained([steering] { steering->hold_output(false); });
}

// To be called after each piece that was sent. The client may catch up in between: then nobody
// would tell any more, so it is looked at again.
template <typename Client>
void hold_if_behind(const Client& client, isolate::Steering& steering) {
    if (client.unsent() <= high_water) return;
    steering.hold_output(true);
    if (client.unsent() == 0) steering.hold_output(false);
}

}  // namespace resources
