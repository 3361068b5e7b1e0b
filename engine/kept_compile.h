// What came of a compile stage, as it is kept for the next job that would compile the same: values,
// and how they are written down.
//
// Only what would come of it again is kept (is_repeatable): the stage ended by itself and within
// its limits. What is read back was written by this program, but lay on a disk: read_kept()
// believes nothing of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/units.h"
#include "engine/events.h"
#include "engine/job.h"
#include "engine/result.h"
#include "isolate/tree.h"

namespace engine {

// A piece of output; of two behind one another the streams differ.
struct Piece {
    Stream stream = Stream::out;
    std::string bytes;

    bool operator==(const Piece&) const = default;
};

struct KeptCompile {
    int exit_code = 0;
    std::chrono::microseconds wall_time{0};
    std::chrono::microseconds cpu_time{0};
    config::Bytes memory;
    std::vector<Piece> output;
    isolate::Tree tree;  // what the job's directory held then; empty unless it passed

    bool passed() const { return exit_code == 0; }
    bool operator==(const KeptCompile&) const = default;
};

KeptCompile kept_of(const StageResult& stage, std::vector<Piece> output);

// Whether the stage came to what it would come to again: not what a limit or a signal made of it,
// nor a failure that may have been the machine's.
bool is_repeatable(const StageResult& stage, const std::vector<Piece>& output);

// Tells of the stage as if it had run now; the result is that of the stage which did.
StageResult retell(const KeptCompile& kept, const Job& job, Events& events);

std::string write_kept(const KeptCompile& kept);

// Nothing if the bytes are not all of what write_kept() writes.
std::optional<KeptCompile> read_kept(std::string_view bytes);

// Passes everything on, and remembers what the compile stage wrote.
class Recorder : public Events {
public:
    explicit Recorder(Events& events) : events_(events) {}

    void started(const Runtime& runtime) override { events_.started(runtime); }
    void stage_started(Stage stage) override { events_.stage_started(stage); }
    void output(Stage stage, Stream stream, std::string_view bytes) override;
    void stage_ended(Stage stage, const StageResult& result) override {
        events_.stage_ended(stage, result);
    }

    const std::vector<Piece>& written() const { return written_; }

private:
    Events& events_;
    std::vector<Piece> written_;
};

}  // namespace engine
