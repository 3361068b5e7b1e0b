#include "api/cli/progress.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "api/cli/text.h"

namespace cli {

namespace {

using packages::Progress;
using std::chrono::milliseconds;

constexpr std::size_t bar_columns = 20;
constexpr std::size_t least_object = 8;  // fewer columns of a file's name tell nothing
constexpr auto first_speed = milliseconds{1000};
constexpr auto between_drawings = milliseconds{100};

// A server may lie about lengths.
bool knows_total(const Progress& progress) {
    return progress.total > 0 && progress.done <= progress.total;
}

std::string bar(const Progress& progress) {
    const auto share = static_cast<double>(progress.done) / static_cast<double>(progress.total);
    const auto full = static_cast<std::size_t>(share * static_cast<double>(bar_columns));
    const auto percent = std::to_string(static_cast<int>(share * 100));
    return "[" + std::string(full, '#') + std::string(bar_columns - full, '.') + "] " +
           std::string(3 - std::min<std::size_t>(3, percent.size()), ' ') + percent + "%";
}

std::string amount(const Progress& progress) {
    if (!knows_total(progress)) return human_size(progress.done);
    return human_size(progress.done) + " of " + human_size(progress.total);
}

// Bytes a second; empty as long as it would be a guess.
std::optional<double> speed(const Pace& pace) {
    if (pace.elapsed < first_speed || pace.bytes == 0) return std::nullopt;
    return static_cast<double>(pace.bytes) * 1000 / static_cast<double>(pace.elapsed.count());
}

// In the order of their worth: what does not fit is missed least at the end.
std::vector<std::string> numbers(const Progress& progress, const Pace& pace) {
    std::vector<std::string> parts;
    if (progress.done == 0 && progress.total == 0) {
        if (pace.elapsed >= first_speed) parts.push_back(human_time(pace.elapsed));
        return parts;
    }
    if (knows_total(progress)) parts.push_back(bar(progress));
    parts.push_back(amount(progress));
    const auto rate = speed(pace);
    if (!rate) return parts;
    parts.push_back(human_size(static_cast<std::uint64_t>(*rate)) + "/s");
    if (!knows_total(progress)) return parts;
    // A day is as good as any longer time, and fits the type.
    const auto left = std::min(static_cast<double>(progress.total - progress.done) / *rate, 86400.);
    parts.push_back(human_time(milliseconds{static_cast<std::int64_t>(left * 1000)}) + " left");
    return parts;
}

std::string head(const Progress& progress) {
    const auto words = words_for(progress.step);
    return progress.package.empty() ? words : printable(progress.package) + ": " + words;
}

}  // namespace

std::string words_for(Progress::Step step) {
    switch (step) {
        case Progress::Step::waiting:
            return "waiting for another crankcase";
        case Progress::Step::resolving:
            return "finding out what it needs";
        case Progress::Step::downloading:
            return "downloading";
        case Progress::Step::unpacking:
            return "unpacking";
        case Progress::Step::finishing:
            return "finishing";
        case Progress::Step::removing:
            return "removing";
    }
    return {};
}

std::string text_of(const Progress& progress, const Pace& pace, std::size_t width) {
    auto line = shortened(head(progress), width);
    for (const auto& part : numbers(progress, pace)) {
        if (columns(line) + 2 + columns(part) > width) return line;
        line += "  " + part;
    }
    const auto used = columns(line) + 2;
    if (progress.object.empty() || used + least_object > width) return line;
    return line + "  " + shortened(printable(progress.object), width - used);
}

ProgressDisplay::ProgressDisplay(Manner manner, std::FILE* file, std::size_t width,
                                 std::function<Clock::time_point()> now)
    : manner_(manner), file_(file), width_(width), now_(std::move(now)) {}

ProgressDisplay::~ProgressDisplay() {
    clear();
}

bool ProgressDisplay::begins(const Progress& progress) const {
    return !heard_ || progress.step != last_.step || progress.package != last_.package;
}

void ProgressDisplay::show(const Progress& progress) {
    if (manner_ == Manner::quiet) return;
    const std::lock_guard lock{mutex_};
    const auto now = now_();
    const bool beginning = begins(progress);
    // Fewer bytes than before are those of the next file.
    if (beginning || progress.done < last_.done) {
        began_ = now;
        first_bytes_ = progress.done;
    }
    const bool due = beginning || now - drawn_at_ >= between_drawings;
    heard_ = true;
    last_ = progress;
    if (manner_ == Manner::lines) {
        if (beginning) std::fprintf(file_, "%s\n", head(progress).c_str());
        return;
    }
    if (!due) return;
    const auto pace =
        Pace{progress.done - first_bytes_, std::chrono::duration_cast<milliseconds>(now - began_)};
    // The last column stays free: some terminals go to the next line once it is written.
    const auto text = text_of(progress, pace, width_ > 1 ? width_ - 1 : 1);
    std::fprintf(file_, "\r%s\x1b[K", text.c_str());
    std::fflush(file_);
    drawn_ = true;
    drawn_at_ = now;
}

void ProgressDisplay::clear() {
    const std::lock_guard lock{mutex_};
    if (!drawn_) return;
    std::fputs("\r\x1b[K", file_);
    std::fflush(file_);
    drawn_ = false;
}

}  // namespace cli
