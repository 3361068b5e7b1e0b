#include "api/dialects/picobytes_trial.h"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstring>
#include <optional>
#include <utility>

namespace dialects {

namespace {

// A program that ends at every assertion is not run for ever.
constexpr std::size_t most_runs = 512;

std::string line(bool holds, std::string_view text) {
    return holds ? "ASSERT PASSED!\n" : "ASSERT FAILED: " + std::string{text} + "\n";
}

std::string name_of_signal(int number) {
    const auto* const name = ::sigabbrev_np(number);
    return name ? "SIG" + std::string{name} : "signal " + std::to_string(number);
}

template <typename Number>
bool take_number(std::string_view& text, Number& number, char closing) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (!text.starts_with(closing)) return false;
    text.remove_prefix(1);
    return true;
}

}  // namespace

// \001<secret><kind> <number> <size of the text>:<text>
struct Trial::Mark {
    char kind = 0;
    int number = 0;
    std::string_view text;

    // Takes one from the beginning, behind the secret; nothing if it was cut off.
    static std::optional<Mark> take(std::string_view& from) {
        Mark mark;
        std::size_t size = 0;
        if (from.size() < 2) return std::nullopt;
        mark.kind = from[0];
        auto rest = from.substr(2);
        if (!take_number(rest, mark.number, ' ') || !take_number(rest, size, ':') ||
            size > rest.size())
            return std::nullopt;
        mark.text = rest.substr(0, size);
        from = rest.substr(size);
        return mark;
    }
};

Trial::Trial(std::string mark, int expected, std::chrono::seconds time, std::size_t most_output)
    : mark_("\x01" + std::move(mark)),
      expected_(expected),
      time_(time),
      most_output_(most_output) {}

std::vector<std::string> Trial::arguments() const {
    std::vector<std::string> numbers;
    for (const int number : left_out_) numbers.push_back(std::to_string(number));
    return numbers;
}

void Trial::keep(std::string_view text) {
    if (is_new_) output_ += text.substr(0, most_output_ - std::min(most_output_, output_.size()));
}

// Returns false for a mark that the program around the submission does not make.
bool Trial::tell(const Mark& mark) {
    switch (mark.kind) {
        case 'b':
            open_ = last_ = mark.number;
            asked_ = mark.text;
            return true;
        case 's':
            last_ = mark.number;
            // The one because of which it was run again has been told already.
            if (!left_out_.empty() && mark.number == left_out_.back()) is_new_ = true;
            return true;
        case 'p':
        case 'f':
            keep(line(mark.kind == 'p', asked_));
            if (is_new_ && mark.kind == 'f') failed_.push_back(mark.number);
            open_ = 0;
            return true;
        case 'P':
        case 'F':
            keep(line(mark.kind == 'P', mark.text));
            return true;
        case 'd':
            done_ = true;
            ended_well_ = mark.number == 0 && left_out_.empty();
            return true;
        default:
            return false;
    }
}

// Why the program ended before its end, and because of which assertion.
void Trial::blame(const engine::StageResult& run) {
    const auto place = open_ != 0   ? "test " + std::to_string(open_)
                       : last_ != 0 ? "after test " + std::to_string(last_)
                                    : std::string{"before the first test"};
    if (open_ != 0) {
        keep(line(false, asked_));
        failed_.push_back(open_);
    } else {
        // What stands between the tests cannot be left out, so the others are not reached.
        for (int number = last_ + 1; number <= expected_; ++number) failed_.push_back(number);
    }
    using engine::Verdict;
    const bool late = run.verdict == Verdict::wall_timed_out ||
                      run.verdict == Verdict::cpu_timed_out ||
                      (run.signal == SIGKILL && run.wall_time >= time_);
    if (late) {
        reasons_ +=
            place + ": Command time out after " + std::to_string(time_.count()) + " seconds.\n";
        endless_.push_back(open_);
    } else if (run.verdict == Verdict::out_of_memory) {
        reasons_ += place + ": out of memory\n";
    } else if (run.verdict == Verdict::too_much_stdout || run.verdict == Verdict::too_much_stderr) {
        reasons_ += place + ": too much output\n";
        endless_.push_back(open_);
    } else if (run.signal) {
        reasons_ += place + ": " + name_of_signal(*run.signal) + "\n";
    } else {
        reasons_ += place + ": ended the program with code " +
                    std::to_string(run.exit_code.value_or(0)) + "\n";
    }
}

bool Trial::take(const engine::StageResult& run) {
    open_ = last_ = 0;
    done_ = ended_well_ = false;
    is_new_ = left_out_.empty();
    const int reached = left_out_.empty() ? 0 : left_out_.back();

    std::string_view rest = run.output.out;
    while (!rest.empty()) {
        const auto at = rest.find(mark_);
        keep(rest.substr(0, at));
        if (at == rest.npos) break;
        rest.remove_prefix(at + mark_.size());
        const auto mark = Mark::take(rest);
        if (!mark || !tell(*mark)) break;
    }
    if (reached == 0) errors_ = run.output.err;
    if (done_) {
        // It may end badly behind the tests: in a destructor, in a function for the exit.
        if (!run.passed()) ended_well_ = false;
        if (run.signal) reasons_ += "at the end: " + name_of_signal(*run.signal) + "\n";
        return false;
    }
    if (last_ < reached) return false;  // it went another way than before
    const bool can_be_left_out = open_ > reached;
    blame(run);
    if (!can_be_left_out || left_out_.size() >= most_runs) return false;
    left_out_.push_back(open_);
    return true;
}

std::string Trial::output() const {
    auto text = output_;
    if (passed()) return text;
    for (const auto* const more : {&errors_, &reasons_}) {
        if (more->empty()) continue;
        if (!text.empty() && !text.ends_with('\n')) text += '\n';
        text += more->substr(0, most_output_);
    }
    return text;
}

}  // namespace dialects
