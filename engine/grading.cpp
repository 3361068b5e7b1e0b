// Who does what: the board knows which tests are left and what came of the others; workers take
// from it. One worker is the job's own thread; others are slots that were free. What all of them
// read (job, compiled, settings) is on the stack of grade(), which waits for every worker that has
// begun and closes the board for those that have not; so a helper touches nothing before it has a
// test.
#include "engine/grading.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <utility>

#include "isolate/sys/error.h"
#include "isolate/sys/log.h"

namespace engine {

namespace {

// Tests that may break before the rest is left out: a machine that fails is not asked hundreds of
// times.
constexpr int most_broken = 3;

constexpr const char* input_file = "input";
constexpr const char* output_file = "output";
constexpr const char* answer_file = "answer";

// What a worker needs; the same for all.
struct Work {
    Engine& engine;
    const Job& job;
    const GradingPlan& plan;
    const Compiled& program;
    const std::optional<Compiled>& checker;
    const Help& help;
    std::size_t shown_bytes;  // of each stream of a test
};

// ---- one test -----------------------------------------------------------------------------------

Job without_plan(const Job& job, const Compiled& compiled) {
    Job bare = job;
    bare.grading = nullptr;
    if (compiled.tree) {
        for (auto& file : bare.files) file.content.clear();
    }
    return bare;
}

bool cut(std::string& text, std::size_t most) {
    if (text.size() <= most) return false;
    text.resize(most);
    text.shrink_to_fit();
    return true;
}

void show(TestResult& result, std::size_t most) {
    auto& output = result.run->output;
    const bool out = cut(output.out, most);
    const bool err = cut(output.err, most);
    cut(output.both, most);
    result.truncated = out || err;
}

// The opinion of the plan's checker of what a program wrote.
Opinion ask_checker(const Work& work, const Test& test, const std::string& output,
                    std::stop_token stop) {
    if (!work.checker->passed())
        return {TestVerdict::checker_error, 0, "the checker did not compile"};
    Job checker = without_plan(*work.plan.checker, *work.checker);
    const auto own = std::exchange(checker.arguments, {input_file, output_file, answer_file});
    checker.arguments.insert(checker.arguments.end(), own.begin(), own.end());
    const std::vector<File> files{
        {.name = input_file, .content = test.stdin_text, .is_code = false},
        {.name = output_file, .content = output, .is_code = false},
        {.name = answer_file, .content = test.expected.value_or(""), .is_code = false}};
    const auto end = work.engine.run_compiled(checker, *work.checker, files, std::move(stop));
    return opinion_of(end, test.points);
}

Opinion match(const std::string& output, const Test& test) {
    switch (Pattern{*test.expected}.match(output)) {
        case Pattern::Match::yes:
            return {TestVerdict::accepted, test.points, {}};
        case Pattern::Match::no:
            return {TestVerdict::wrong_answer, 0, "the output does not match"};
        case Pattern::Match::too_long:
            return {TestVerdict::checker_error, 0,
                    "the output is too long to be tried on so large an expression"};
    }
    __builtin_unreachable();
}

void judge(const Work& work, const Test& test, TestResult& result, std::stop_token stop) {
    if (const auto trouble = trouble_of(*result.run)) {
        result.verdict = *trouble;
        return;
    }
    const auto& output = result.run->output.out;
    Opinion opinion{TestVerdict::accepted, test.points, {}};
    if (test.comparison.mode == CompareMode::checker) {
        opinion = ask_checker(work, test, output, std::move(stop));
    } else if (test.expected && test.comparison.mode == CompareMode::regex) {
        opinion = match(output, test);
    } else if (test.expected) {
        result.difference = difference(output, *test.expected, test.comparison);
        if (result.difference) opinion = {TestVerdict::wrong_answer, 0, {}};
    }
    result.verdict = opinion.verdict;
    result.points = opinion.points;
    result.message = std::move(opinion.message);
}

TestResult result_before(const Test& test, std::string message) {
    return {.name = test.name, .out_of = test.points, .message = std::move(message)};
}

// What cannot be run is an outcome of this test; the others are asked for themselves.
TestResult run_test(const Work& work, Job& job, const Test& test, std::stop_token stop) {
    auto result = result_before(test, "");
    try {
        job.stdin_text = test.stdin_text;
        job.arguments = test.arguments;
        job.limits.run = test.limits;
        result.run = work.engine.run_compiled(job, work.program, {}, stop);
        judge(work, test, result, stop);
        show(result, work.shown_bytes);
    } catch (const sys::Error& error) {
        result.run.reset();
        result.points = 0;
        if (stop.stop_requested()) {
            result.verdict = TestVerdict::not_run;
        } else if (error.kind() == sys::Kind::invalid) {
            result.verdict = TestVerdict::memory_limit;
            result.message = error.what();
        } else {
            result.verdict = TestVerdict::internal_error;
            result.message = "The sandbox failed; the log has more under " + job.id;
            sys::log(sys::Level::error, "test_broken", {{"id", job.id}, {"error", error.what()}});
        }
    }
    return result;
}

// ---- all of them --------------------------------------------------------------------------------

class Board {
public:
    Board(const Work& work, GradingEvents& events)
        : work_(work), events_(events), results_(work.plan.tests.size()), told_(0) {}

    struct Turn {
        std::size_t index;
        std::stop_token stop;
    };

    // The next test, for somebody who is counted as working on it until settle(). Nothing: there is
    // none any more.
    std::optional<Turn> take() {
        const std::lock_guard lock{mutex_};
        if (closed_ || next_ >= end_) return std::nullopt;
        const auto index = next_++;
        const auto [running, added] = running_.try_emplace(index);
        return Turn{index, running->second.get_token()};
    }

    void settle(std::size_t index, TestResult result) {
        const std::lock_guard lock{mutex_};
        const auto verdict = result.verdict;
        results_[index] = std::move(result);
        if (verdict == TestVerdict::internal_error && ++broken_ >= most_broken) end_ = next_;
        if (work_.plan.stop_on_first_failure && verdict != TestVerdict::accepted) end_at(index);
        tell(index);
        running_.erase(index);
        changed_.notify_all();
    }

    // Nothing more begins, and what runs is killed.
    void cancel() {
        const std::lock_guard lock{mutex_};
        closed_ = true;
        for (auto& [index, stop] : running_) stop.request_stop();
    }

    // Whether one more worker would find a test; it is then counted until a helper has come or
    // left.
    bool wants_help() {
        const std::lock_guard lock{mutex_};
        if (closed_ || helpers_ + 1 >= work_.help.settings.parallel || next_ >= end_) return false;
        ++helpers_;
        return true;
    }
    void helper_left() {
        const std::lock_guard lock{mutex_};
        --helpers_;
    }

    // Waits for every worker that has a test. Nobody gets one afterwards.
    std::vector<TestResult> close() {
        std::unique_lock lock{mutex_};
        closed_ = true;
        changed_.wait(lock, [this] { return running_.empty(); });
        const std::string left_out =
            broken_ >= most_broken ? "the sandbox failed too often before" : "";
        for (std::size_t i = 0; i < results_.size(); ++i) {
            const bool is_behind = i > last_;
            if (!results_[i] || is_behind)
                results_[i] = result_before(work_.plan.tests[i],
                                            is_behind ? "an earlier test failed" : left_out);
        }
        std::vector<TestResult> all;
        for (auto& result : results_) all.push_back(std::move(*result));
        return all;
    }

    const Work& work() const { return work_; }

private:
    // The tests behind a failed one do not count, even if they have run already.
    void end_at(std::size_t index) {
        if (index >= last_) return;
        last_ = index;
        end_ = std::min(end_, index + 1);
        for (auto& [running, stop] : running_) {
            if (running > index) stop.request_stop();
        }
    }

    // With the mutex held, so that one is told at a time.
    void tell(std::size_t index) {
        if (!work_.plan.stop_on_first_failure) return events_.test_ended(index, *results_[index]);
        for (; told_ < results_.size() && told_ <= last_ && results_[told_]; ++told_)
            events_.test_ended(told_, *results_[told_]);
    }

    const Work work_;
    GradingEvents& events_;
    std::mutex mutex_;  // of what follows
    std::condition_variable changed_;
    std::vector<std::optional<TestResult>> results_;
    std::map<std::size_t, std::stop_source> running_;
    std::size_t next_ = 0;
    std::size_t end_ = results_.size();   // no test from here on begins
    std::size_t last_ = results_.size();  // the first that failed, where that ends the rest
    std::size_t told_;                    // how many, in order
    int helpers_ = 0;
    int broken_ = 0;
    bool closed_ = false;
};

void call_for_help(const std::shared_ptr<Board>& board);

// Takes tests until there are none, or until somebody else wants the slot.
void work_on(const std::shared_ptr<Board>& board, bool (*leaves)(const Work&)) {
    std::optional<Job> job;
    while (const auto turn = board->take()) {
        const auto& work = board->work();
        if (!job) job = without_plan(work.job, work.program);
        call_for_help(board);
        auto result = run_test(work, *job, work.plan.tests[turn->index], turn->stop);
        // What it looks at goes away once the last test is settled.
        const bool is_last = leaves(work);
        board->settle(turn->index, std::move(result));
        if (is_last) return;
    }
}

void call_for_help(const std::shared_ptr<Board>& board) {
    const auto& help = board->work().help;
    if (!help.admission) return;
    while (board->wants_help()) {
        const auto come = [board] {
            work_on(board, [](const Work& work) { return work.help.admission->is_wanted(); });
            board->helper_left();
        };
        if (help.admission->offer(help.ticket, come)) continue;
        board->helper_left();
        return;
    }
}

// Nothing is run with an expression that cannot be used.
void check_patterns(const GradingPlan& plan) {
    for (std::size_t i = 0; i < plan.tests.size(); ++i) {
        const auto& test = plan.tests[i];
        if (test.comparison.mode != CompareMode::regex || !test.expected) continue;
        try {
            const Pattern tried{*test.expected};
        } catch (const sys::Error& error) {
            throw sys::Error(error.kind(),
                             "tests[" + std::to_string(i) + "].expected_output " + error.what());
        }
    }
}

// Asked for by whoever asks for the job.
Job checker_of(const Job& job) {
    Job checker = *job.grading->checker;
    checker.asker = job.asker;
    return checker;
}

Graded none_run(const GradingPlan& plan, const std::string& why) {
    Graded graded;
    for (const auto& test : plan.tests) graded.tests.push_back(result_before(test, why));
    return graded;
}

Graded run_tests(const Work& work, GradingEvents& events, const std::stop_token& stop) {
    const auto board = std::make_shared<Board>(work, events);
    Graded graded;
    const std::stop_callback on_stop{stop, [&board] { board->cancel(); }};
    work_on(board, [](const Work&) { return false; });
    graded.tests = board->close();
    if (work.checker && !work.checker->passed()) graded.checker_compile = work.checker->stage;
    return graded;
}

// Whatever the tests write, the answer stays within its bounds, and each has the same room.
std::size_t shown_bytes(const GradingPlan& plan, const config::Grading& settings) {
    constexpr std::size_t streams = 2;
    const auto share =
        settings.total_output.count / (streams * std::max<std::size_t>(plan.tests.size(), 1));
    return std::min<std::uint64_t>(settings.shown_output.count, share);
}

void log_grading(const Job& job, const JobResult& result) {
    const auto& score = result.graded->score;
    sys::log(sys::Level::info, "graded",
             {{"id", job.id},
              {"runtime", job.runtime->language + "-" + job.runtime->version},
              {"tests", score.of},
              {"passed", score.passed},
              {"compiled", !result.compile || result.compile->passed() ? "yes" : "no"}});
}

void grade(Engine& engine, const Job& job, GradingEvents& events, const std::stop_token& stop,
           const Help& help, JobEnd& end) {
    const auto& plan = *job.grading;
    auto& result = end.result;
    const auto began = std::chrono::steady_clock::now();
    result.queued = job.waited;
    if (!job.runtime->compiled()) events.started(*job.runtime);
    auto program = engine.compile(job, events, stop);
    Graded graded;
    if (program.passed()) {
        Events nobody;
        std::optional<Compiled> checker;
        if (plan.checker) checker = engine.compile(checker_of(job), nobody, stop);
        graded = run_tests({.engine = engine,
                            .job = job,
                            .plan = plan,
                            .program = program,
                            .checker = checker,
                            .help = help,
                            .shown_bytes = shown_bytes(plan, help.settings)},
                           events, stop);
    } else {
        graded = none_run(plan, "the program did not compile");
    }
    result.compile = std::move(program.stage);
    graded.score = score_of(graded.tests);
    if (const auto telling = telling_test(graded.tests)) result.run = graded.tests[*telling].run;
    result.graded = std::make_shared<const Graded>(std::move(graded));
    end.took = std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now() - began);
    log_grading(job, result);
}

}  // namespace

JobResult grade(Engine& engine, const Job& job, GradingEvents& events, std::stop_token stop,
                const Help& help) {
    check_patterns(*job.grading);
    return engine.observed(job, [&](JobEnd& end) { grade(engine, job, events, stop, help, end); });
}

}  // namespace engine
