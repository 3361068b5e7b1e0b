// How far something is, on standard error: one line that is drawn again and again on a terminal,
// one plain line for each step elsewhere, nothing when asked to be quiet.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <mutex>
#include <string>

#include "packages/installer.h"

namespace cli {

// What has been done since a step was first heard of: what a download resumed at the middle had
// before is no speed.
struct Pace {
    std::uint64_t bytes = 0;
    std::chrono::milliseconds elapsed{0};

    bool operator==(const Pace&) const = default;
};

// "downloading", "waiting for another crankcase", …
std::string words_for(packages::Progress::Step step);

// One line of at most `width` columns without a newline: package, step, a bar and the share if the
// total is known, bytes, bytes a second, time left (after the first second), object. What does not
// fit is left out from the end. Pure.
std::string text_of(const packages::Progress& progress, const Pace& pace, std::size_t width);

class ProgressDisplay {
public:
    using Clock = std::chrono::steady_clock;
    enum class Manner { drawn, lines, quiet };

    // Writes to the file, which stays the caller's and open. `now` is asked for the time.
    ProgressDisplay(Manner manner, std::FILE* file, std::size_t width,
                    std::function<Clock::time_point()> now = Clock::now);
    ProgressDisplay(const ProgressDisplay&) = delete;
    ProgressDisplay& operator=(const ProgressDisplay&) = delete;
    ~ProgressDisplay();  // clears

    // From any thread. Draws at most ten times a second, and every beginning of a step.
    void show(const packages::Progress& progress);

    // Takes the drawn line away, before something else is written to the terminal.
    void clear();

private:
    // Whether another step begins with this.
    bool begins(const packages::Progress& progress) const;

    std::mutex mutex_;
    Manner manner_;
    std::FILE* file_;
    std::size_t width_;
    std::function<Clock::time_point()> now_;
    bool heard_ = false;  // of anything
    bool drawn_ = false;  // there is a line to take away
    packages::Progress last_;
    std::uint64_t first_bytes_ = 0;
    Clock::time_point began_, drawn_at_;
};

}  // namespace cli
