// The messages of Piston's WebSocket (contract section 4): what a client says, decoded and checked,
// and what it is told, encoded. The objects are those of the event stream of /execute, too.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "engine/events.h"
#include "engine/result.h"
#include "engine/runtime.h"
#include "isolate/steering.h"

namespace wire {

// A client's message. `Init` has the fields of a request to execute in the same text: decode_job().
struct Init {
    std::optional<isolate::WindowSize> terminal;  // "pty": true, or {"rows","cols"}
};
struct Data {
    bool is_stdin = true;
    std::string bytes;
    bool is_end = false;  // "eof": nothing follows
};
struct Signal {
    std::optional<int> number;  // empty: no such name
};
struct Resize {
    isolate::WindowSize size;
};
struct Ignored {};  // of a type that nobody knows

using ClientMessage = std::variant<Ignored, Init, Data, Signal, Resize>;

// Throws wire::SyntaxError for what is not JSON, sys::Error{invalid} naming the field for what
// cannot be meant.
ClientMessage decode_client_message(std::string_view text);

// How a connection is closed, in Piston's numbers and words; the last two are ours.
struct Close {
    std::uint16_t code;
    std::string_view reason;
};
inline constexpr Close already_initialized{4000, "Already Initialized"};
inline constexpr Close initialization_timeout{4001, "Initialization Timeout"};
inline constexpr Close notified_error{4002, "Notified Error"};
inline constexpr Close not_yet_initialized{4003, "Not yet initialized"};
inline constexpr Close only_stdin{4004, "Can only write to stdin"};
inline constexpr Close invalid_signal{4005, "Invalid signal"};
inline constexpr Close job_completed{4999, "Job Completed"};
inline constexpr Close idle_timeout{4006, "Idle Timeout"};

// What is told, without the braces: "language":…,"version":… and so on.
std::string runtime_fields(const engine::Runtime& runtime);
std::string stage_fields(engine::Stage stage);
std::string data_fields(std::string_view bytes);
// "stage","code","signal" as Piston has them, then "status","message","cpu_time","wall_time",
// "memory".
std::string exit_fields(engine::Stage stage, const engine::StageResult& result);
std::string error_fields(std::string_view message);

std::string_view stream_name(engine::Stream stream);

// {"type":"<type>",<fields>}
std::string typed_object(std::string_view type, std::string_view fields);

// Cuts a stream of bytes into texts between characters, wherever it was cut on its way.
class CharacterJoiner {
public:
    // The whole characters of what has come so far; may be empty.
    std::string take(std::string_view bytes);
    // What never became one.
    std::string rest() { return std::exchange(rest_, {}); }

private:
    std::string rest_;
};

}  // namespace wire
