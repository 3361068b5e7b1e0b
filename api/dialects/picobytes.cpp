#include "api/dialects/picobytes.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "api/dialects/c_tokens.h"
#include "api/dialects/picobytes_lists.h"
#include "api/dialects/picobytes_reply.h"
#include "api/dialects/picobytes_report.h"
#include "api/dialects/picobytes_source.h"
#include "api/dialects/picobytes_trial.h"
#include "isolate/sys/error.h"

namespace dialects {

namespace {

using config::Milliseconds;
using engine::StageResult;
using std::chrono::steady_clock;

// What is looked at is longer than what is shown: the headers of a language, preprocessed.
constexpr config::Bytes most_to_look_at{16 << 20};

std::string random_text() {
    constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz0123456789";
    constexpr int length = 24;
    std::random_device source;
    std::uniform_int_distribution<std::size_t> any{0, letters.size() - 1};
    std::string text;
    for (int i = 0; i < length; ++i) text += letters[any(source)];
    return text;
}

double seconds_of(std::chrono::microseconds time) {
    return std::chrono::duration<double>(time).count();
}

bool is_late(const StageResult& stage) {
    return stage.verdict == engine::Verdict::wall_timed_out ||
           stage.verdict == engine::Verdict::cpu_timed_out;
}

int assertions_in(const std::string& tests) {
    const auto tokens = c_tokens(tests);
    return static_cast<int>(std::ranges::count_if(
        tokens, [](const auto& token) { return token.spelling == "assert"; }));
}

// Not for the submission's caller: the time for everything is over.
struct TotalTimeout {};

class Submission {
public:
    Submission(engine::Engine& engine, const PicobytesJob& job, std::stop_token stop,
               engine::JobEnd& end)
        : engine_(engine),
          job_(job),
          request_(job.request),
          stop_(std::move(stop)),
          total_(std::clamp<std::int64_t>(
              request_.timeout, 0,
              std::chrono::duration_cast<std::chrono::seconds>(job.most_time).count())),
          step_(std::clamp<std::int64_t>(request_.per_test_timeout, 0, total_.count())),
          toolchain_(toolchain_of(*job.submitted.runtime->compile, request_.language).value()),
          end_(end) {
        end.result.queued = job.submitted.waited;
    }

    std::string work() {
        try {
            if (satisfies_lists() && compiles()) {
                test();
                look_at_heap();
            }
            return encode(reply_);
        } catch (const TotalTimeout&) {
            // There may have been no stage at all.
            if (!end_.result.run) end_.result.run.emplace();
            end_.result.run->verdict = engine::Verdict::wall_timed_out;
            return encode_total_timeout(total_.count());
        }
    }

private:
    Milliseconds left() const {
        const auto used = std::chrono::duration_cast<Milliseconds>(steady_clock::now() - began_);
        return std::max(Milliseconds{total_} - used, Milliseconds{0});
    }

    // A step's limits: its time, and what is left of the time for everything.
    void limit(config::Limits& limits, Milliseconds time) const {
        const auto rest = left();
        if (rest.count() == 0) throw TotalTimeout{};
        limits.wall_time = std::max(std::min(time, rest), Milliseconds{1});
        limits.cpu_time = config::unlimited_time;
    }

    // As total time-out counts only what was ended by that.
    void check_total(const StageResult& stage) const {
        constexpr Milliseconds tolerance{20};
        if (is_late(stage) && left() <= tolerance) throw TotalTimeout{};
    }

    engine::Job new_job(std::optional<packages::Script> compile, packages::Script run,
                        std::vector<engine::File> files) const {
        auto runtime = std::make_shared<engine::Runtime>(*job_.submitted.runtime);
        runtime->compile = std::move(compile);
        runtime->run = std::move(run);
        engine::Job job;
        job.id = job_.submitted.id;
        job.limits = runtime->limits;
        job.runtime = std::move(runtime);
        job.files = std::move(files);
        return job;
    }

    void refuse(std::string sentence) { reply_.output = "\n" + std::move(sentence); }

    std::string step_timeout() const {
        return "Command time out after " + std::to_string(request_.per_test_timeout) + " seconds.";
    }

    // The code is looked at before the tests are added, for the lists are for the code.
    bool satisfies_lists() {
        reply_.build = true;
        if (!request_.lists.any()) return true;
        auto job = new_job({}, {.argv = {}, .text = analysis_script(toolchain_)},
                           {{.name = analyzed_file, .content = analyzed_text(request_, secrets_)}});
        job.limits.run = job.limits.compile;
        job.limits.run.output = most_to_look_at;
        limit(job.limits.run, step_);
        const auto stage = engine_.run_compiled(job, {}, {}, stop_);
        end_.result.run = stage;
        check_total(stage);
        if (stage.verdict == engine::Verdict::failed) return true;  // the compiler will say why
        const auto split = stage.output.out.rfind('\0');
        if (!stage.passed() || split == std::string::npos) {
            reply_.build = false;
            refuse(is_late(stage) ? step_timeout() : "The code could not be looked at.");
            return false;
        }
        const auto own_assert = secrets_.own_assert();
        const std::string_view whole = stage.output.out;
        return is_free_of_breaches(breaches(request_.lists, {.source = request_.code,
                                                             .preprocessed = whole.substr(0, split),
                                                             .symbols = whole.substr(split + 1),
                                                             .own_assert = own_assert}),
                                   seconds_of(stage.wall_time));
    }

    // What is denied was the compiler's to refuse, what is not allowed the builder's.
    bool is_free_of_breaches(const std::vector<ListBreach>& found, double seconds) {
        if (found.empty()) return true;
        std::string sentences;
        for (const auto& breach : found) {
            sentences += (sentences.empty() ? "" : "\n") + sentence_of(breach);
            if (breach.which == ListBreach::Which::not_allowed) {
                reply_.build = false;
            } else {
                reply_.formatted_response.push_back({breach.line, sentence_of(breach)});
            }
        }
        if (reply_.build) reply_.compilation_time = seconds;
        refuse(sentences);
        return false;
    }

    bool compiles() {
        auto job = new_job(compile_script(toolchain_), run_script(),
                           {{.name = unit_file, .content = unit_text(request_, secrets_)},
                            {.name = program_file, .content = program_text(request_, secrets_)},
                            // Where the compiler's messages quote from.
                            {.name = code_name, .content = request_.code, .is_code = false},
                            {.name = tests_name, .content = request_.tests, .is_code = false}});
        limit(job.limits.compile, step_);
        engine::Events nobody;
        compiled_ = engine_.compile(job, nobody, stop_);
        const auto& stage = *compiled_.stage;
        end_.result.compile = stage;
        end_.result.run.reset();
        check_total(stage);
        reply_.compilation_time = seconds_of(stage.wall_time);
        reply_.formatted_response =
            diagnostics_of(stage.output.out, stage.output.err, request_.code);
        reply_.compile = stage.passed();
        if (reply_.compile) return true;
        auto text = compiler_text(stage.output.err, secrets_);
        if (is_late(stage)) text += step_timeout();
        refuse(text);
        return false;
    }

    void test() {
        constexpr std::int64_t shortest = 1;
        const auto most_output =
            static_cast<std::size_t>(job_.submitted.runtime->limits.run.output.count);
        Trial trial{secrets_.mark, assertions_in(request_.tests),
                    std::chrono::seconds{std::max(step_.count(), shortest)}, most_output};
        auto job = new_job(compile_script(toolchain_), run_script(), {});
        std::chrono::microseconds time{0};
        bool again = true;
        while (again) {
            job.arguments = trial.arguments();
            limit(job.limits.run, left());
            const auto run = engine_.run_compiled(job, compiled_, {}, stop_);
            end_.result.run = run;
            check_total(run);
            time += run.wall_time;
            again = trial.take(run);
        }
        reply_.run = trial.passed();
        reply_.run_time = seconds_of(time);
        reply_.output = trial.output();
        reply_.failed_tests = trial.failed();
        endless_ = trial.endless();
    }

    // Without the assertions that never end. What is left of the time is enough or not: all else
    // has been found out.
    void look_at_heap() {
        reply_.valgrind = "HEAP SUMMARY not found.";
        const auto rest = left();
        if (rest.count() == 0) return;
        auto job = new_job(compile_script(toolchain_), valgrind_script(), {});
        for (const int number : endless_) job.arguments.push_back(std::to_string(number));
        limit(job.limits.run, step_);
        constexpr int not_found = 127;
        const auto run =
            engine_.run_compiled(job, compiled_, {}, stop_);  // its verdict is Valgrind's
        reply_.valgrind = run.exit_code == not_found ? "Valgrind is not installed."
                                                     : valgrind_text(run.output.err, secrets_);
    }

    engine::Engine& engine_;
    const PicobytesJob& job_;
    const PicobytesRequest& request_;
    const std::stop_token stop_;
    const std::chrono::seconds total_;
    const std::chrono::seconds step_;
    const Toolchain toolchain_;
    const Secrets secrets_{"a" + random_text(), random_text()};
    const steady_clock::time_point began_ = steady_clock::now();
    engine::Compiled compiled_;
    std::vector<int> endless_;
    PicobytesReply reply_;
    engine::JobEnd& end_;  // of which the last stage counts, as for other jobs
};

}  // namespace

std::shared_ptr<const engine::Runtime> runtime_of(const PicobytesRequest& request,
                                                  const engine::Runtimes& runtimes) {
    const bool is_c = request.language == PicobytesRequest::Language::c;
    auto runtime = runtimes.find(is_c ? "c" : "c++", "*");
    if (!runtime || !runtime->compile || !toolchain_of(*runtime->compile, request.language)) {
        throw sys::Error(sys::Kind::invalid,
                         std::string{is_c ? "C" : "C++"} + " is not installed on this engine");
    }
    return runtime;
}

engine::Job submitted_job(const PicobytesRequest& request,
                          std::shared_ptr<const engine::Runtime> runtime) {
    engine::Job job;
    job.limits = runtime->limits;
    job.runtime = std::move(runtime);
    job.files = {{.name = code_name, .content = request.code},
                 {.name = tests_name, .content = request.tests}};
    return job;
}

std::string submit(engine::Engine& engine, const PicobytesJob& job, std::stop_token stop) {
    std::string answer;
    engine.observed(job.submitted, [&](engine::JobEnd& end) {
        const auto began = steady_clock::now();
        answer = Submission{engine, job, std::move(stop), end}.work();
        end.took =
            std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - began);
    });
    return answer;
}

}  // namespace dialects
