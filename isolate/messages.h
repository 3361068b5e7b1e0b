// What the neighbours say, read from bytes.
//
// Pure functions: a received message in, what it means out, or nothing. The daemon distrusts the
// keeper and the processes in a container, the keeper distrusts the daemon; so whoever receives
// reads with these, and they are what the fuzzer feeds. Inside a container init/message.h does the
// same without allocating.
#pragma once

#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include "isolate/protocol.h"
#include "isolate/sys/error.h"

namespace isolate {

// An order of the daemon's for the keeper.
struct KeeperOrder {
    Verb verb = Verb::start_runner;  // or stop_runner
    std::uint32_t serial = 0;
    std::uint32_t index = 0;  // below max_runners

    bool operator==(const KeeperOrder&) const = default;
};

// More runners than any machine has room for.
inline constexpr std::uint32_t max_runners = 1024;

// Nothing if it is no order: the keeper then takes the daemon for broken, and ends.
std::optional<KeeperOrder> read_order(std::span<const std::byte> message);

// What the keeper tells of a runner.
struct StartedNews {
    std::uint32_t serial = 0;
    RunnerStarted runner{};
};
struct EndedNews {
    std::uint32_t index = 0;
    int error = 0;       // an error number; 0: ended as asked
    std::string reason;  // at most as long as its field
};

// Nothing if it is no news: the keeper is then given up.
std::optional<std::variant<StartedNews, EndedNews>> read_news(std::span<const std::byte> message);

// An answer of init or of the spawner: a verb and a small body.
struct Answer {
    Verb verb{};
    alignas(8) std::byte body[64]{};
    std::size_t body_bytes = 0;

    // The body. Throws sys::Error{broken} if it is of another size.
    template <typename Body>
    Body as() const {
        if (body_bytes != sizeof(Body))
            throw sys::Error(sys::Kind::broken, "a runner sent a message of the wrong size");
        Body value;
        std::memcpy(&value, body, sizeof value);
        return value;
    }
};

// Nothing if it is too short or too long, or announces a payload: answers have none.
std::optional<Answer> read_answer(std::span<const std::byte> message);

}  // namespace isolate
