// libFuzzer: whatever init, the spawner or a box tell the daemon, it is read as what it is, or
// refused as broken.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "isolate/messages.h"

namespace {

template <typename Body>
void try_as(const isolate::Answer& answer) {
    try {
        static_cast<void>(answer.as<Body>());
        if (answer.body_bytes != sizeof(Body)) std::abort();
    } catch (const sys::Error& error) {
        if (error.kind() != sys::Kind::broken) std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto answer = isolate::read_answer(std::as_bytes(std::span{data, size}));
    if (!answer) return 0;
    try_as<isolate::StageStarted>(*answer);
    try_as<isolate::StageEnded>(*answer);
    try_as<isolate::BoxClosed>(*answer);
    try_as<isolate::Fault>(*answer);
    // The step comes from a container; whatever it is, it has a name.
    if (answer->body_bytes == sizeof(isolate::Fault) &&
        !isolate::name(answer->as<isolate::Fault>().step))
        std::abort();
    return 0;
}
