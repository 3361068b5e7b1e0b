// The messages between daemon, keeper and the two processes inside a container.
//
//   daemon ── start, stop ──▶ keeper                 root, starts and ends containers
//   daemon ◀── started, ended ── keeper
//   keeper ◀── ready ── init, spawner
//   daemon ── open, place, spawn, close ──▶ spawner           ("work")
//   daemon ◀── stage_started, stage_refused, box_closed ── spawner
//   daemon ── kill, signal ──▶ init                       ("ctl")
//   daemon ◀── stage_ended ── init
//   daemon ◀── Report ── PID 1 of the box            a pipe per stage
//
// Every message is a Head, one fixed body, and for some a payload whose length the head tells. The
// sockets are SOCK_SEQPACKET, so a message and its descriptors arrive together. Types are closed
// and of fixed size; whoever receives checks lengths, counts and numbers again, whoever sent.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace isolate {

enum class Verb : std::uint32_t {
    start_runner = 1,  // RunnerNumber
    stop_runner,       // RunnerNumber
    runner_started,    // RunnerStarted; descriptors: ctl, work, then those of
                       // ControlFile (v1), or the group `jobs`, its memory.max, its pids.current,
                       // and the runner's cpu.weight (v2)
    runner_ended,      // RunnerEnded; also unasked
    ready,             // no body; the sender's pid is in the credentials
    set_filter,        // payload: sock_filter[]
    open_box,          // OpenBox
    place_file,        // PlaceFile; payload: name, contents
    spawn_stage,       // SpawnStage; payload: strings; descriptors: stdin, stdout, stderr, report,
                       // (gate), (leaf)
    close_box,         // no body
    stage_started,     // StageStarted
    stage_refused,     // Fault
    box_closed,        // BoxClosed
    kill_stage,        // StageStarted: the pid to kill
    stage_ended,       // StageEnded
    signal_stage,      // SignalStage; no answer, for the stage may have ended
    check_box,         // no body: is all there that was placed? With a descriptor: (spawner.cpp)
    box_checked,       // Fault; step none: it is
    start_zygote,      // SpawnStage, of which uid, deadline and cpu_seconds mean nothing; payload
                       // and the first four descriptors as of spawn_stage. Answered as that.
    fork_stage,        // ForkStage; spawner to zygote (init/fork_jobs.cpp); payload: sock_filter[],
                       // then the names of the layers; descriptors: stdin, stdout, stderr, report,
                       // gate, the spawner's mounts, the directory of layers
    orders,            // to the spawner; payload: whole messages, each behind its length, with the
                       // descriptors of the one among them that needs some
};

struct Head {
    Verb verb;
    std::uint32_t serial;         // chosen by whoever asks, repeated in the answer
    std::uint32_t payload_bytes;  // behind the body, or in a memfd that is the last descriptor
    std::uint32_t payload_in_memfd;
};

// Payloads beyond this travel in a memfd: the default socket buffer holds about 200 KiB.
inline constexpr std::uint32_t max_inline_payload = 64 * 1024;
// The largest message on any of these sockets.
inline constexpr std::uint32_t max_message = max_inline_payload + 1024;
// The largest payload at all; a request body is bounded below this.
inline constexpr std::uint32_t max_payload = 256 * 1024 * 1024;

// How a keeper ends that was not told to: the machine lacks something, and another keeper would
// find the same; or something went wrong later, and another may do better.
inline constexpr int keeper_cannot_work = 1;
inline constexpr int keeper_broke_down = 70;

struct RunnerNumber {
    std::uint32_t index;
};

enum class CgroupVersion : std::uint32_t { v1 = 1, v2 = 2 };

struct RunnerStarted {
    std::uint32_t index;
    std::uint32_t first_uid;  // host uid of the container's root
    CgroupVersion cgroup_version;
    std::uint32_t controls;  // v1: a bit per ControlFile that came along
};

struct RunnerEnded {
    std::uint32_t index;
    std::int32_t error;  // 0: stopped as asked; else an error number
    char reason[240];    // NUL-terminated, for the log
};

// The control files that come with runner_started on cgroup v1, in this order.
enum class ControlFile : std::uint32_t {
    memory_limit,
    memory_and_swap_limit,
    memory_peak,
    memory_usage,
    oom_control,
    pids_max,
    pids_current,
    cpu_quota,
    cpu_usage,
    cpu_share,
    count,
};

struct OpenBox {
    std::uint32_t uid;  // in the container
    std::uint32_t entries;
    std::uint64_t bytes;
};

enum class Place : std::uint32_t {
    submission,  // the job's directory, owned by the job
    script,      // beside it, owned by root, executable
    // In the job's directory as well: what another box held (tree.h).
    program,    // may be executed
    directory,  // no content
    link,       // the content is where it leads; no directory is made for it
    count,
};

struct PlaceFile {
    Place place;
    std::uint32_t name_bytes;  // the payload begins with the name; the rest is the content
};

struct SpawnStage {
    std::uint32_t uid;
    std::uint32_t argument_count;
    std::uint32_t environment_count;
    std::uint32_t layer_count;  // 0: the host's root
    std::uint32_t deadline_ms;  // of the PID 1 in the box, the second line of defence
    std::uint32_t terminal;     // 1: standard input is a terminal, to become the controlling one
    std::uint32_t gate;         // 1: a descriptor for the program's gate came along (gate/word.h)
    std::uint32_t from_zygote = 0;  // 1: by a fork of the zygote, which must be there; with a gate
    std::uint64_t open_files;
    std::uint64_t file_bytes;
    std::uint64_t cpu_seconds;  // RLIMIT_CPU of each process, likewise a second line
    std::uint64_t stack_bytes;
};

// What the zygote is told of a stage.
struct ForkStage {
    SpawnStage stage;
    std::uint32_t filter_instructions;
    std::uint32_t unused = 0;
};

inline constexpr std::uint32_t max_arguments = 4096;

// Each makes every look-up that finds nothing a little longer.
inline constexpr std::uint32_t max_layers = 32;

// A layer's name is the name of one directory and safe in the options of a mount.
constexpr bool is_layer_name(std::string_view name) {
    const auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    };
    return !name.empty() && name.size() <= 96 && name.front() != '.' &&
           std::all_of(name.begin(), name.end(), plain);
}

struct StageStarted {
    std::int32_t pid;  // in the container
};

// A signal for every process of a stage; its PID 1 passes it on.
struct SignalStage {
    std::int32_t pid;  // in the container, of the PID 1 of the box
    std::int32_t number;
};

constexpr bool is_signal(std::int32_t number) {
    return number >= 1 && number <= 64;
}

struct StageEnded {
    std::int32_t pid;
    std::int32_t status;  // raw wait status of the PID 1 of the box
};

// What the spawner finds when it has closed a box; with nothing left it is the same every time.
struct BoxClosed {
    std::uint32_t error;            // an error number; 0: nothing is mounted where the box was
    std::uint32_t next_descriptor;  // the lowest that is free in the spawner
};

// Started in a box as `/crankcase/init <word>`, init tests the box instead (init/posture.h).
inline constexpr std::string_view posture_word = "posture";
inline constexpr std::string_view memory_word = "memory";

// Likewise: writes what the job's directory holds to standard output (tree.h).
inline constexpr std::string_view pack_word = "pack";

enum class EntryKind : std::uint32_t { file = 1, program, directory, link };

// One entry on its way, before its name and its content. The last one is a file without a name.
struct EntryHead {
    EntryKind kind;
    std::uint32_t name_bytes;
    std::uint64_t content_bytes;
    std::uint64_t written;  // nanoseconds, to be compared only
};

// More deserves no box.
inline constexpr std::uint32_t max_tree_entries = 65536;
inline constexpr std::uint32_t max_tree_depth = 64;
inline constexpr std::uint32_t max_entry_name = 1024;

// The steps between "spawn" and the first instruction of the program; where one fails, the Fault
// says so.
enum class Step : std::uint32_t {
    none,
    check_message,
    open_box,
    make_directory,
    write_file,
    clone,
    new_session,
    take_terminal,
    set_stdio,
    stack_layers,
    bind_box,
    enter_root,
    mount_proc,
    mask_proc,
    raise_oom_score,
    close_proc,
    set_limits,
    change_directory,
    close_files,
    empty_bounding_set,
    drop_groups,
    drop_user,
    forbid_privileges,
    fork_program,
    set_priority,
    load_filter,
    execute,
    close_box,
    start_zygote,
    fork_zygote,
    enter_mounts,
    drop_inheritable,
    check_posture,
    count,
};

struct Fault {
    Step step;
    std::int32_t error;  // an error number
};

// The step as it reads in "cannot start the box: <step>: <error>".
const char* name(Step step);

// Whom the exit of PID 1 ends, as far as it knows.
enum class Left : std::uint32_t {
    others,   // perhaps: it does not know
    nobody,   // it was the last process of its namespace
    program,  // whose deadline has passed
};

// What the PID 1 of a box writes into its pipe before it exits: one Report, or none if it was
// killed.
struct Report {
    Fault fault;          // step none: the program was started
    std::int32_t status;  // raw wait status of the program
    Left left;
};

static_assert(std::is_trivially_copyable_v<Report> && sizeof(Report) == 16);
static_assert(std::is_trivially_copyable_v<EntryHead> && sizeof(EntryHead) == 24);
static_assert(sizeof(Head) == 16 && sizeof(SpawnStage) == 64 && sizeof(OpenBox) == 16);

}  // namespace isolate
