// run: one program on an engine, as if it ran here: its output is ours, and so is its exit code.
#include "api/cli/commands.h"
#include "api/cli/run/descriptors.h"
#include "api/cli/run/event_stream.h"
#include "api/cli/run/interactive.h"
#include "api/cli/run/transcript.h"
#include "api/cli/session.h"
#include "isolate/sys/error.h"

namespace cli {

namespace {

constexpr const char* path = "/api/v2/execute";

// A program's exit code becomes ours, whatever it is.
ExitCode as_exit_code(int code) {
    return static_cast<ExitCode>(code);
}

Transcript::Sinks sinks_of(Session& session, const RunOptions& options) {
    Transcript::Sinks sinks{.out = write_standard_output, .err = write_standard_error, .note = {}};
    if (options.status)
        sinks.note = [&](std::string_view text) { session.complain(std::string{text}); };
    return sinks;
}

// An engine that streams tells everything as it happens; a Piston answers once, at the end.
int execute(Session& session, const Rest& engine, const Program& program, Transcript& transcript) {
    EventStream stream;
    const auto answer =
        engine.post_streamed(path, execute_body(program), session.stop(), [&](auto bytes) {
            for (const auto& event : stream.feed(bytes)) transcript.take_event(event);
        });
    throw_unless_good(answer);
    if (!answer.streamed) transcript.take_answer(answer.body);
    if (!transcript.finished())
        throw sys::Error(sys::Kind::broken,
                         "the stream of " + engine.base() + " ended before the program did");
    return exit_code_of(*transcript.ending());
}

// The answer is for a program to read; only the exit code is ours to make of it.
int execute_as_json(Session& session, const Rest& engine, const Program& program) {
    const auto answer = engine.post(path, execute_body(program), session.stop());
    write_standard_output(answer.body);
    if (!answer.body.ends_with('\n')) write_standard_output("\n");
    throw_unless_good(answer);
    Transcript quiet{{.out = [](auto) {}, .err = [](auto) {}, .note = {}}};
    quiet.take_answer(answer.body);
    return exit_code_of(*quiet.ending());
}

int run_to_the_end(Session& session, const RunOptions& options) {
    // Read as whoever started us; engine() is where root goes.
    const auto program = read_program(options);
    const auto engine = session.engine();
    if (options.json) return execute_as_json(session, engine, program);
    Transcript transcript{sinks_of(session, options)};
    const int code = options.interactive ? interact(engine, program, transcript)
                                         : execute(session, engine, program, transcript);
    const auto remark = transcript.ending() ? remark_on(*transcript.ending()) : "";
    if (!remark.empty()) session.complain(remark);
    return code;
}

}  // namespace

ExitCode run(Session& session, const RunOptions& options) {
    try {
        return as_exit_code(run_to_the_end(session, options));
    } catch (const sys::Error&) {
        const int signal = Interrupt::signal();
        if (signal == 0) throw;
        // The engine notices that nobody waits any more, and ends the program.
        session.complain("stopped");
        constexpr int stopped_by = 128;
        return as_exit_code(stopped_by + signal);
    }
}

}  // namespace cli
