// libFuzzer: whatever an engine streams, cut anywhere, gives the same events; what they tell is
// told or refused, and ends in an exit code that a process can have. Build: clang++ -std=c++20
// -fsanitize=fuzzer,address,undefined -I., with api/cli/run/{event_stream,transcript,ending}.cpp,
// api/cli/{failure,text}.cpp, api/wire/signal_name.cpp, isolate/sys/error.cpp and what failure.cpp
// names of packages.
#include "api/cli/run/event_stream.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "api/cli/failure.h"
#include "api/cli/run/transcript.h"
#include "isolate/sys/error.h"

namespace {

void tell(const cli::Event& event) {
    cli::Transcript transcript{{.out = [](auto) {}, .err = [](auto) {}, .note = {}}};
    try {
        transcript.take_event(event);
        transcript.take_message(event.data);
        transcript.take_answer(event.data);
    } catch (const cli::Failure&) {
        return;
    } catch (const sys::Error& error) {
        if (error.kind() != sys::Kind::broken) std::abort();
    }
    if (!transcript.ending()) return;
    const int code = cli::exit_code_of(*transcript.ending());
    if (code < 0 || code > 255) std::abort();
}

}  // namespace

// The first byte chooses how the rest is cut.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    // SAFETY: any byte may be read as a char.
    auto text = std::string_view(reinterpret_cast<const char*>(data), size).substr(1);
    const auto whole = cli::EventStream{}.feed(text);
    for (const auto& event : whole) tell(event);
    cli::EventStream stream;
    std::vector<cli::Event> events;
    while (!text.empty()) {
        const auto piece = text.substr(0, std::size_t{1} + data[0] % 64);
        text.remove_prefix(piece.size());
        for (auto& event : stream.feed(piece)) events.push_back(std::move(event));
    }
    if (events != whole) std::abort();
    return 0;
}
