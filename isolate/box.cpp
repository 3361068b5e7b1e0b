#include "isolate/box.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "isolate/gate/word.h"
#include "isolate/sys/fail_point.h"

namespace isolate {

namespace {

using sys::Error;
using sys::Kind;
using namespace config::literals;

constexpr auto start_patience = std::chrono::milliseconds{5000};
// The PID 1 of a box gives the daemon this much time to be first.
constexpr auto deadline_slack = std::chrono::milliseconds{500};
constexpr std::uint64_t stack_bytes = (64_MiB).count;
constexpr std::uint64_t longest_deadline_ms = 0x7fff'ffff;

struct Pipe {
    sys::UniqueFd read_end, write_end;
};

Pipe make_pipe() {
    int ends[2];
    if (SYS_FAIL_POINT("box.pipe", ::pipe2(ends, O_CLOEXEC)) != 0) sys::fail("pipe2");
    return {sys::UniqueFd{ends[0]}, sys::UniqueFd{ends[1]}};
}

// For a stream of the job. Its other user may open it again by name, as /dev/stdin: then the mode
// of the pipe counts, which is ours alone by default. Nobody but who holds it or shares its /proc
// can.
Pipe make_stream() {
    auto pipe = make_pipe();
    if (SYS_FAIL_POINT("box.pipe_mode", ::fchmod(pipe.read_end.get(), 0666)) != 0)
        sys::fail("fchmod of a pipe");
    return pipe;
}

// Ours only: O_NONBLOCK belongs to an end, and a program expects its own to block.
sys::UniqueFd non_blocking(sys::UniqueFd fd) {
    if (SYS_FAIL_POINT("box.non_blocking", ::fcntl(fd.get(), F_SETFL, O_NONBLOCK)) != 0)
        sys::fail("fcntl O_NONBLOCK");
    return fd;
}

// The standard streams of a stage: what it gets, and what we keep.
struct Streams {
    sys::UniqueFd in, out, err;
    Process ours;
};

Streams pipe_streams() {
    auto in = make_stream();
    auto out = make_stream();
    auto err = make_stream();
    Streams streams{.in = std::move(in.read_end),
                    .out = std::move(out.write_end),
                    .err = std::move(err.write_end),
                    .ours = {}};
    streams.ours.standard_in = non_blocking(std::move(in.write_end));
    streams.ours.standard_out = non_blocking(std::move(out.read_end));
    streams.ours.standard_err = non_blocking(std::move(err.read_end));
    return streams;
}

sys::UniqueFd duplicate(const sys::UniqueFd& fd) {
    sys::UniqueFd copy{::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0)};
    if (!copy) sys::fail("duplicate a terminal");
    return copy;
}

Streams terminal_streams(WindowSize size) {
    auto [master, slave] = open_terminal(size);
    Streams streams{.in = duplicate(slave), .out = duplicate(slave), .err = {}, .ours = {}};
    streams.err = std::move(slave);
    // One open file description: what is set for the copy holds for both.
    streams.ours.standard_in = non_blocking(duplicate(master));
    streams.ours.standard_out = std::move(master);
    streams.ours.on_terminal = true;
    return streams;
}

std::span<const std::byte> as_bytes(std::string_view text) {
    return std::as_bytes(std::span{text});
}

std::uint64_t whole_seconds_above(config::Milliseconds time) {
    if (time == config::unlimited_time) return ~0ULL;
    // One more than asked: the daemon's own limit is exact and comes first.
    return static_cast<std::uint64_t>(time.count()) / 1000 + 2;
}

SpawnStage describe(const Command& command, std::uint32_t uid, bool has_gate, bool from_zygote) {
    const auto& limits = command.limits;
    const auto deadline =
        limits.wall_time == config::unlimited_time
            ? longest_deadline_ms
            : static_cast<std::uint64_t>((limits.wall_time + deadline_slack).count());
    return {
        .uid = uid,
        .argument_count = static_cast<std::uint32_t>(command.argv.size()),
        .environment_count = static_cast<std::uint32_t>(command.environment.size()),
        .layer_count = static_cast<std::uint32_t>(command.layers.size()),
        .deadline_ms = static_cast<std::uint32_t>(std::min(deadline, longest_deadline_ms)),
        .terminal = command.terminal ? 1U : 0U,
        .gate = has_gate ? 1U : 0U,
        .from_zygote = from_zygote ? 1U : 0U,
        .open_files = static_cast<std::uint64_t>(limits.open_files),
        .file_bytes = limits.file_size.count,
        .cpu_seconds = whole_seconds_above(limits.cpu_time),
        .stack_bytes = stack_bytes,
    };
}

bool has_said(const Process& process) {
    pollfd events[] = {{process.standard_out.get(), POLLIN, 0},
                       {process.standard_err.get(), POLLIN, 0}};
    return ::poll(events, std::size(events), 0) != 0;
}

std::string join_strings(const Command& command) {
    std::string strings;
    for (const auto* list : {&command.argv, &command.environment, &command.layers}) {
        for (const auto& text : *list) strings.append(text).push_back('\0');
    }
    return strings;
}

}  // namespace

Box::Box(Lease lease, BoxSize size) : lease_(std::move(lease)), uid_(lease_.runner().next_uid()) {
    runner().tell_spawner_later(Verb::open_box,
                                OpenBox{.uid = uid_,
                                        .entries = static_cast<std::uint32_t>(size.entries),
                                        .bytes = size.bytes.count});
}

void Box::place(std::string_view name, std::string_view content) {
    send_file(Place::submission, name, content);
}

void Box::place(const TreeEntry& entry) {
    const auto place = [&] {
        switch (entry.kind) {
            case EntryKind::file:
                return Place::submission;
            case EntryKind::program:
                return Place::program;
            case EntryKind::directory:
                return Place::directory;
            case EntryKind::link:
                return Place::link;
        }
        __builtin_unreachable();
    };
    send_file(place(), entry.name, entry.content);
}

void Box::place_script(std::string_view name, std::string_view text) {
    send_file(Place::script, name, text);
}

void Box::send_file(Place place, std::string_view name, std::string_view content) {
    const PlaceFile order{.place = place, .name_bytes = static_cast<std::uint32_t>(name.size())};
    const std::span<const std::byte> payload[] = {as_bytes(name), as_bytes(content)};
    runner().tell_spawner_later(Verb::place_file, order, payload);
}

void Box::check() {
    runner().tell_spawner(Verb::check_box);
    const auto answer = runner().hear_spawner(start_patience);
    if (answer.verb != Verb::box_checked)
        throw Error(Kind::broken, "a runner gave an unexpected answer");
    if (const auto fault = answer.as<Fault>(); fault.step != Step::none) refuse(fault);
}

Process Box::start(const Command& command, const sys::UniqueFd& gate) {
    return spawn(command, gate, {.patience = start_patience});
}

Process Box::fork(const Command& command, const sys::UniqueFd& gate) {
    ++runner().zygote.value().forks;
    return spawn(command, gate, {.from_zygote = true, .patience = start_patience});
}

void Box::start_zygote(const ZygoteKey& key, config::Milliseconds age,
                       std::chrono::milliseconds patience) {
    auto command = key.command;
    // Its own time is not the jobs', who get their limits from their orders.
    command.limits.cpu_time = config::unlimited_time;
    add_gate(command, key.main);
    command.environment.push_back(std::string{gate::zygote_variable} + "=1");
    auto process = spawn(command, {}, {.verb = Verb::start_zygote, .patience = patience});
    runner().cgroup().end();
    runner().zygote = Zygote{
        .key = key, .process = std::move(process), .until = std::chrono::steady_clock::now() + age};
    // What it has said its children will not say again.
    if (!has_said(runner().zygote->process)) return;
    end_zygote(runner());
    throw Error(Kind::broken, key.command.argv.front() + " writes before it asks for its file");
}

Lease Box::close() {
    runner().tell_spawner(Verb::close_box);
    const auto found = runner().hear_spawner(start_patience).as<BoxClosed>();
    if (found.error != 0) {
        throw Error(Kind::broken,
                    "the box is still there: " + sys::describe(static_cast<int>(found.error)));
    }
    return std::move(lease_);
}

Process Box::spawn(const Command& command, const sys::UniqueFd& gate, const Order& order) {
    if (command.argv.empty() || command.argv.size() + command.environment.size() > max_arguments) {
        throw Error(Kind::invalid, "a program takes at most " + std::to_string(max_arguments) +
                                       " arguments and environment variables together");
    }
    if (command.layers.size() > max_layers ||
        !std::ranges::all_of(command.layers,
                             [](const auto& name) { return is_layer_name(name); })) {
        throw Error(Kind::broken, "a root of more than " + std::to_string(max_layers) +
                                      " layers, or one with an impossible name");
    }
    runner().settle(start_patience);
    auto streams = command.terminal ? terminal_streams(*command.terminal) : pipe_streams();
    auto report = make_pipe();
    std::vector<int> fds{streams.in.get(), streams.out.get(), streams.err.get(),
                         report.write_end.get()};
    if (gate) fds.push_back(gate.get());
    const int residents = runner().zygote ? 1 : 0;
    if (const int leaf = runner().cgroup().begin(command.limits, residents); leaf >= 0)
        fds.push_back(leaf);
    const auto strings = join_strings(command);
    const std::span<const std::byte> payload[] = {as_bytes(strings)};
    runner().tell_spawner(order.verb,
                          describe(command, uid_, static_cast<bool>(gate), order.from_zygote),
                          payload, fds);
    const auto answer = runner().hear_spawner(order.patience);
    if (answer.verb == Verb::stage_refused) refuse(answer.as<Fault>());
    if (answer.verb != Verb::stage_started)
        throw Error(Kind::broken, "a runner gave an unexpected answer");
    streams.ours.pid = answer.as<StageStarted>().pid;
    streams.ours.report = non_blocking(std::move(report.read_end));
    return std::move(streams.ours);
}

// What the files of a request can cause is the request's fault, not the machine's.
void Box::refuse(const Fault& fault) {
    const std::string sentence =
        std::string{"cannot make the box: "} + name(fault.step) + ": " + sys::describe(fault.error);
    const bool of_the_files = fault.step == Step::write_file || fault.step == Step::make_directory;
    if (of_the_files && fault.error == ENOSPC) {
        throw Error(Kind::invalid,
                    "files do not fit the job: its disk limit (limits.run.disk, disk_entries), or "
                    "three quarters of its memory limit");
    }
    if (of_the_files &&
        (fault.error == EEXIST || fault.error == ENOTDIR || fault.error == EISDIR)) {
        throw Error(Kind::invalid, "files name the same path as a file and as a directory");
    }
    throw Error(Kind::broken, sentence);
}

}  // namespace isolate
