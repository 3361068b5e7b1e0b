// Every way a program may attack its host, its engine or another job, as one program each
// (programs/), with what must come of it in a box, and the protection that sees to it. The host is
// counted before and after each. Then the same program runs without that protection, and must
// breach: no row is green because its program is harmless.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <set>

#include "tests/support/hostile_case.h"

using support::HostileCase;
using support::Json;

namespace {

const std::string killed = "SIGKILL";

// What comes of the bytes of o25: each wrong one is U+FFFD, everything else is itself.
const std::string replaced{"a\xef\xbf\xbd\xef\xbf\xbd\0b\x1b[2J\"\\", 15};

bool names_memory(const Json& stage) {
    return stage["message"].is_string() &&
           stage["message"].get<std::string>().find("emory") != std::string::npos;
}

bool ends_on_cpu(const Json& stage) {
    return stage["message"] == "Time limit exceeded";
}

bool ends_on_the_clock(const Json& stage) {
    return stage["message"] == "Time limit exceeded (wall clock)";
}

std::size_t length_of(const Json& stage, const char* stream) {
    return stage[stream].get<std::string>().size();
}

// Each line numbered, none lost, none out of its place.
bool both_streams_are_whole(const Json& stage) {
    for (const std::string name : {"out", "err"}) {
        std::string whole;
        char line[80];
        for (int number = 0; number < 2000; ++number) {
            std::snprintf(line, sizeof line, "%s %058d\n", name.c_str(), number);
            whole += line;
        }
        if (stage["std" + name] != whole) return false;
    }
    return true;
}

const std::vector<HostileCase> processes{
    {.name = "O01 a fork bomb",
     .program = "o01_fork_bomb.c",
     .request = {{"run_timeout", 500}},
     .expected = {.status = "TO", .signal = killed, .says = "HELD fork: EAGAIN"},
     .held_by = "limit on processes"},
    {.name = "O02 fifty loops of short programs",
     .program = "o02_exec_storm.c",
     .request = {{"run_timeout", 500}},
     // On a busy machine its processes come faster than the killed ones let their memory go.
     .expected = {.status = "TO", .or_status = "SG", .signal = killed},
     .held_by = "limit on time"},
    {.name = "O03 a child that ignores signals, has its own session and changes its pid",
     .program = "o03_signal_proof.py",
     .then = "o03_look.py",
     .expected = {.code = 0, .says = "HELD nobody beats"},
     .held_by = "kill of the namespace"},
    {.name = "O04 children that nobody waits for",
     .program = "o04_zombies.c",
     .expected = {.code = 0, .says = "HELD fork: EAGAIN"},
     .held_by = "limit on processes"},
    {.name = "O05 it kills itself",
     .program = "o05_killed.sh",
     .expected = {.status = "SG", .signal = killed},
     .held_by = "report of PID 1"},
    {.name = "O05 it crashes",
     .program = "o05_crashed.sh",
     .expected = {.status = "SG", .signal = "SIGSEGV"},
     .held_by = "report of PID 1"},
    {.name = "O05 it says what a shell says of a killed one",
     .program = "o05_says_137.sh",
     .expected = {.status = "RE", .code = 137},
     .held_by = "report of PID 1"},
    {.name = "O05 it says more than fits",
     .program = "o05_says_259.py",
     .expected = {.status = "RE", .code = 3},
     .no_control = "The kernel cuts the code to 8 bits for everybody; no protection is involved."},
    {.name = "O06 a crash that asks for a core",
     .program = "o06_core.py",
     .expected = {.status = "SG", .signal = "SIGSEGV", .says = "HELD no core"},
     .held_by = "limit on cores"},
};

const std::vector<HostileCase> memory{
    {.name = "O07 page after page",
     .program = "o07_malloc_bomb.c",
     .expected = {.status = "SG", .signal = killed, .also = names_memory},
     .held_by = "limit on memory"},
    {.name = "O08 a leak that stays below the limit is no attack",
     .program = "o08_slow_leak.c",
     .expected = {.code = 0,
                  .says = "HELD 84 MiB",
                  .also = [](const Json& stage) { return stage["memory"] >= 84 << 20; }},
     .held_by = "memory counted as used"},
    {.name = "O09 a tebibyte of addresses is no attack",
     .program = "o09_reserve.c",
     .expected = {.code = 0, .says = "HELD addresses are free"},
     .held_by = "memory counted as used"},
    {.name = "O10 files and memory are more than there is together",
     .program = "o10_files_as_memory.py",
     .expected = {.status = "SG", .signal = killed, .also = names_memory},
     .held_by = "limit on memory"},
    {.name = "O11 recursion without end",
     .program = "o11_stack_bomb.c",
     .expected = {.status = "SG", .signal = "SIGSEGV"},
     .held_by = "limit on the stack"},
};

const std::vector<HostileCase> clocks{
    {.name = "O12 it computes without end",
     .program = "o12_busy_loop.c",
     .request = {{"run_cpu_time", 300}},
     .expected = {.status = "TO", .signal = killed, .also = ends_on_cpu},
     .held_by = "limit on time"},
    {.name = "O13 it sleeps without end",
     .program = "o13_sleep.sh",
     .request = {{"run_timeout", 300}},
     .expected = {.status = "TO", .signal = killed, .also = ends_on_the_clock},
     .held_by = "limit on time"},
    {.name = "O14 four threads compute, and all of them count",
     .program = "o14_threads.c",
     .request = {{"run_cpu_time", 400}},
     .expected = {.status = "TO", .signal = killed, .also = ends_on_cpu},
     .held_by = "limit on time"},
    {.name = "O15 it handles the signals that ask it to end",
     .program = "o15_handlers.c",
     .request = {{"run_cpu_time", 1000}},
     .expected = {.status = "TO", .signal = killed, .also = ends_on_cpu},
     .held_by = "hard limit on CPU"},
    {.name = "O16 the compiler computes without end",
     .program = "o16_compile_loop.cpp",
     .request = {{"compile_timeout", 600}},
     .expected = {.status = "TO", .signal = killed, .stage = "compile"},
     .held_by = "limit on time"},
};

const std::vector<HostileCase> disk{
    {.name = "O17 disk by the mebibyte",
     .program = "o17_fill_disk.py",
     .expected = {.code = 0, .says = "HELD fallocate: ENOSPC"},
     .held_by = "limit on disk"},
    {.name = "O18 files of nothing",
     .program = "o18_many_files.py",
     .expected = {.code = 0, .says = "HELD open: ENOSPC"},
     .held_by = "limit on files"},
    {.name = "O19 a file of a tebibyte without a byte",
     .program = "o19_sparse.py",
     .expected = {.code = 0, .says = "HELD ftruncate: EFBIG"},
     .held_by = "limit on file size"},
    {.name = "O20 files for the next job",
     .program = "o20_leave.py",
     .then = "o20_look.py",
     .expected = {.code = 0, .says = "HELD nothing is there"},
     .held_by = "private files"},
    {.name = "O21 files in the system's directories",
     .program = "o21_write_root.py",
     .expected = {.code = 0, .says = "HELD nothing can be written"},
     .held_by = "read-only root"},
};

const std::vector<HostileCase> output{
    {.name = "O22 output without end",
     .program = "o22_output_flood.py",
     .expected = {.status = "OL",
                  .signal = killed,
                  .also = [](const Json& stage) { return length_of(stage, "stdout") == 200'000; }},
     .held_by = "limit on output"},
    {.name = "O23 both streams at once",
     .program = "o23_two_streams.py",
     .expected = {.code = 0, .also = both_streams_are_whole},
     .held_by = "both streams read"},
    {.name = "O24 as much as is allowed, to the byte",
     .program = "o24_exact.sh",
     .expected = {.code = 0,
                  .also = [](const Json& stage) { return length_of(stage, "stdout") == 200'000; }},
     .no_control = "It does what it may; the next row is its other side."},
    {.name = "O24 one byte more",
     .program = "o24_one_more.py",
     .expected = {.status = "OL",
                  .signal = killed,
                  .also = [](const Json& stage) { return length_of(stage, "stdout") == 200'000; }},
     .held_by = "limit on output"},
    {.name = "O25 bytes that are no text",
     .program = "o25_bytes.py",
     .expected = {.code = 0, .says = replaced},
     .held_by = "replaced bytes"},
    {.name = "O26 no output, and no streams either",
     .program = "o26_silent.py",
     .expected = {.code = 0,
                  .also = [](const Json& stage) { return length_of(stage, "output") == 0; }},
     .no_control = "It must not be waited for, and outside of a box nobody waits for it either."},
    {.name = "O26 a child holds the output open",
     .program = "o26_held_pipe.py",
     .expected = {.code = 0},
     .held_by = "kill of the namespace"},
};

const std::vector<HostileCase> descriptors{
    {.name = "O27 descriptor after descriptor",
     .program = "o27_open_files.py",
     .expected = {.code = 0, .says = "HELD dup: EMFILE"},
     .held_by = "limit on open files"},
    {.name = "O28 descriptors that it was not meant to have",
     .program = "o28_descriptors.py",
     .expected = {.code = 0, .says = "HELD three descriptors"},
     .held_by = "closed descriptors"},
    {.name = "O29 megabytes of input that it does not read",
     .program = "o29_deaf.py",
     .request = {{"stdin", std::string(6 << 20, 'x')}},
     .expected = {.code = 0, .says = "HELD it was not asked to read"},
     .held_by = "ignored SIGPIPE"},
};

const std::vector<HostileCase> traces{
    {.name = "O30 shared memory, semaphores and queues for the next job",
     .program = "o30_leave.py",
     .then = "o30_look.py",
     .expected = {.code = 0, .says = "HELD nothing is there"},
     .held_by = "private ipc"},
    {.name = "O31 a server for the next job",
     .program = "o31_leave.py",
     .then = "o31_look.py",
     .expected = {.code = 0, .says = "HELD connect"},
     .held_by = "kill of the namespace"},
    {.name = "O32 somebody who writes when the program has ended",
     .program = "o32_leave.py",
     .then = "o32_look.py",
     .expected = {.code = 0, .says = "HELD nothing is there"},
     .held_by = "kill of the namespace"},
};

const std::vector<HostileCase> network{
    {.name = "O33 out into the world",
     .program = "o33_outside.py",
     .expected = {.code = 0, .says = "HELD"},
     .held_by = "empty network"},
    {.name = "O34 its own loopback works, and nothing of the host is there",
     .program = "o34_loopback.py",
     .expected = {.code = 0, .says = "own: mine\nHELD"},
     .held_by = "empty network"},
    {.name = "O35 sockets of other families",
     .program = "o35_sockets.py",
     .expected = {.code = 0, .says = "HELD"},
     .held_by = "filter"},
};

const std::vector<HostileCase> kernel{
    {.name = "O36 namespaces and mounts",
     .program = "o36_namespaces.py",
     .expected = {.code = 0, .says = "HELD"},
     .held_by = "filter"},
    {.name = "O37 calls that jobs have no use for",
     .program = "o37_kernel.py",
     .expected = {.code = 0, .says = "HELD"},
     .held_by = "filter"},
    {.name = "O38 programs that run as somebody else",
     .program = "o38_setid.py",
     .expected = {.code = 0, .says = "HELD"},
     .held_by = "nosuid"},
    {.name = "O39 devices",
     .program = "o39_devices.py",
     .expected = {.code = 0, .says = "HELD"},
     .held_by = "private devices"},
    {.name = "O40 what there is to learn of the host",
     .program = "o40_host.py",
     .expected = {.code = 0, .says = "HELD"},
     .held_by = "masked proc"},
    {.name = "O41 the kernel's switches, and its own place before the OOM killer",
     .program = "o41_proc_writes.py",
     .expected = {.code = 0, .says = "HELD"},
     .held_by = "read-only proc"},
    {.name = "O42 other processes",
     .program = "o42_others.py",
     .expected = {.code = 0, .says = "HELD"},
     .held_by = "private pids"},
};

struct Chapter {
    const char* name;
    const std::vector<HostileCase>& cases;
};

const Chapter chapters[] = {
    {"processes", processes}, {"memory", memory},   {"time", clocks},
    {"disk", disk},           {"output", output},   {"descriptors", descriptors},
    {"traces", traces},       {"network", network}, {"kernel", kernel},
};

int held = 0, tried = 0, breached = 0, controls = 0;

void try_all(const std::vector<HostileCase>& cases) {
    for (const auto& row : cases) {
        CAPTURE(row.name);
        const auto complaints = support::complaints_in_the_box(row);
        CHECK(complaints == "");
        ++tried;
        held += complaints.empty();
        if (row.held_by.empty()) continue;
        const auto silent = support::complaints_of_the_control(row);
        CHECK(silent == "");
        ++controls;
        breached += silent.empty();
    }
}

}  // namespace

TEST_CASE("attacks with processes are held") {
    try_all(processes);
}
TEST_CASE("attacks on memory are held") {
    try_all(memory);
}
TEST_CASE("attacks on time are held") {
    try_all(clocks);
}
TEST_CASE("attacks on the disk are held") {
    try_all(disk);
}
TEST_CASE("attacks by output are held") {
    try_all(output);
}
TEST_CASE("attacks with descriptors are held") {
    try_all(descriptors);
}
TEST_CASE("what a job leaves is gone before the next one") {
    try_all(traces);
}
TEST_CASE("attacks on the network are held") {
    try_all(network);
}
TEST_CASE("attacks on the kernel and on what it tells are held") {
    try_all(kernel);
}

TEST_CASE("every case has its row, and a control or a reason why there is none") {
    std::set<std::string> numbers;
    int without = 0;
    for (const auto& chapter : chapters) {
        for (const auto& row : chapter.cases) {
            CAPTURE(row.name);
            numbers.insert(row.name.substr(0, 3));
            CHECK(row.held_by.empty() != row.no_control.empty());
            without += row.held_by.empty();
        }
    }
    CHECK(numbers.size() == 42);
    CHECK(*numbers.begin() == "O01");
    CHECK(*numbers.rbegin() == "O42");
    CHECK(without <= 3);
    std::printf("%d of %d hostile programs held, %d of %d controls breached\n", held, tried,
                breached, controls);
}
