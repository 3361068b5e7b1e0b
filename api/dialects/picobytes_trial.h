// Which assertions held: read from what the program around a submission says (picobytes_source.h),
// over as many runs as it takes. Pure.
//
// One run is enough if the program goes on to its end. An assertion that ends it, or never ends,
// has failed; the next run leaves it out and tells of those behind it.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "engine/result.h"

namespace dialects {

class Trial {
public:
    // `mark` is the job's (Secrets::mark); `expected` assertions are written down, of which a loop
    // may make more; `time` is what each has; at most `most_output` bytes are kept.
    Trial(std::string mark, int expected, std::chrono::seconds time, std::size_t most_output);

    // The numbers to start the program with next time.
    std::vector<std::string> arguments() const;

    // What came of that. Returns whether the program must be run again.
    bool take(const engine::StageResult& run);

    // Every assertion held, and the program ended as it should.
    bool passed() const { return ended_well_ && failed_.empty(); }
    const std::vector<int>& failed() const { return failed_; }
    // What was printed, with a line for each assertion; behind it, if not all is well, what was
    // written to standard error, and why the program ended.
    std::string output() const;
    // Those that must be left out for the program to end; 0 if that is not in one of them.
    const std::vector<int>& endless() const { return endless_; }

private:
    struct Mark;
    bool tell(const Mark& mark);
    void keep(std::string_view text);
    void blame(const engine::StageResult& run);

    const std::string mark_;
    const int expected_;
    const std::chrono::seconds time_;
    const std::size_t most_output_;
    std::string output_, errors_, reasons_;
    std::vector<int> left_out_, endless_, failed_;
    // Of the run that is read.
    int open_ = 0;         // begun and not ended
    std::string asked_;    // its text
    int last_ = 0;         // the number of the last that was begun
    bool is_new_ = false;  // what comes now was not in an earlier run
    bool done_ = false;
    bool ended_well_ = false;
};

}  // namespace dialects
