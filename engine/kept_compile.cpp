#include "engine/kept_compile.h"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>

#include "engine/collector.h"

namespace engine {

namespace {

// What compilers and shells say when the machine was short of something, or killed a part of them.
constexpr std::string_view said_of_the_machine[] = {
    "Killed",
    "killed",
    "SIGKILL",
    "signal terminated",
    "egmentation fault",
    "internal compiler error",
    "ut of memory",
    "OutOfMemory",
    "nsufficient memory",
    "annot allocate",
    "exhausted",
    "emporarily unavailable",
    "annot fork",
    "o space left",
    "quota",
    "oo many open",
    "ext file busy",
    "nput/output error",
    "timed out",
};

bool may_be_of_the_machine(const std::vector<Piece>& output) {
    return std::ranges::any_of(output, [](const Piece& piece) {
        return std::ranges::any_of(said_of_the_machine, [&](std::string_view words) {
            return piece.bytes.find(words) != std::string::npos;
        });
    });
}

// ---- as bytes -----------------------------------------------------------------------------------

// Of this machine, which alone reads it.
struct Head {
    std::int64_t wall_microseconds;
    std::int64_t cpu_microseconds;
    std::uint64_t memory_bytes;
    std::uint32_t exit_code;
    std::uint32_t pieces;
};

struct PieceHead {
    std::uint64_t bytes;
    std::uint64_t is_err;
};

template <typename Value>
void append(std::string& bytes, const Value& value) {
    static_assert(std::is_trivially_copyable_v<Value> &&
                  std::has_unique_object_representations_v<Value>);
    // char may alias anything.
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <typename Value>
bool take(std::string_view& rest, Value& value) {
    if (rest.size() < sizeof value) return false;
    std::memcpy(&value, rest.data(), sizeof value);
    rest.remove_prefix(sizeof value);
    return true;
}

bool take_piece(std::string_view& rest, std::vector<Piece>& output) {
    PieceHead head{};
    if (!take(rest, head) || head.is_err > 1 || head.bytes == 0 || head.bytes > rest.size())
        return false;
    const auto stream = head.is_err == 1 ? Stream::err : Stream::out;
    if (!output.empty() && output.back().stream == stream) return false;
    output.push_back({stream, std::string{rest.substr(0, head.bytes)}});
    rest.remove_prefix(head.bytes);
    return true;
}

}  // namespace

KeptCompile kept_of(const StageResult& stage, std::vector<Piece> output) {
    return {.exit_code = stage.exit_code.value(),
            .wall_time = stage.wall_time,
            .cpu_time = stage.cpu_time,
            .memory = stage.memory,
            .output = std::move(output),
            .tree = {}};
}

bool is_repeatable(const StageResult& stage, const std::vector<Piece>& output) {
    if (!stage.exit_code || stage.signal || !stage.message.empty()) return false;
    if (stage.verdict == Verdict::passed) return true;
    return stage.verdict == Verdict::failed && !may_be_of_the_machine(output);
}

StageResult retell(const KeptCompile& kept, const Job& job, Events& events) {
    StageResult result;
    events.stage_started(Stage::compile);
    Collector collector{result.output};
    for (const auto& piece : kept.output) {
        if (job.keep_output) collector.take(piece.stream, piece.bytes);
        events.output(Stage::compile, piece.stream, piece.bytes);
    }
    result.verdict = kept.passed() ? Verdict::passed : Verdict::failed;
    result.exit_code = kept.exit_code;
    result.wall_time = kept.wall_time;
    result.cpu_time = kept.cpu_time;
    result.memory = kept.memory;
    result.was_kept = true;
    events.stage_ended(Stage::compile, result);
    return result;
}

std::string write_kept(const KeptCompile& kept) {
    std::string bytes;
    append(bytes, Head{.wall_microseconds = kept.wall_time.count(),
                       .cpu_microseconds = kept.cpu_time.count(),
                       .memory_bytes = kept.memory.count,
                       .exit_code = static_cast<std::uint32_t>(kept.exit_code),
                       .pieces = static_cast<std::uint32_t>(kept.output.size())});
    for (const auto& piece : kept.output) {
        append(bytes,
               PieceHead{.bytes = piece.bytes.size(), .is_err = piece.stream == Stream::err});
        bytes += piece.bytes;
    }
    return bytes + isolate::write_tree(kept.tree);
}

std::optional<KeptCompile> read_kept(std::string_view bytes) {
    constexpr std::uint32_t most_code = 255;
    Head head{};
    if (!take(bytes, head) || head.exit_code > most_code || head.wall_microseconds < 0 ||
        head.cpu_microseconds < 0)
        return std::nullopt;
    KeptCompile kept{.exit_code = static_cast<int>(head.exit_code),
                     .wall_time = std::chrono::microseconds{head.wall_microseconds},
                     .cpu_time = std::chrono::microseconds{head.cpu_microseconds},
                     .memory = {head.memory_bytes},
                     .output = {},
                     .tree = {}};
    for (std::uint32_t i = 0; i < head.pieces; ++i) {
        if (!take_piece(bytes, kept.output)) return std::nullopt;
    }
    auto tree = isolate::read_tree(bytes);
    if (!tree || (!kept.passed() && !tree->empty())) return std::nullopt;
    kept.tree = std::move(*tree);
    return kept;
}

void Recorder::output(Stage stage, Stream stream, std::string_view bytes) {
    events_.output(stage, stream, bytes);
    if (stage != Stage::compile || bytes.empty()) return;
    if (written_.empty() || written_.back().stream != stream) written_.push_back({stream, {}});
    written_.back().bytes.append(bytes);
}

}  // namespace engine
