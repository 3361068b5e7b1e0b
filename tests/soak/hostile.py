"""Hostile jobs, and for each an honest one that takes as long. Pure but for reading programs.

The hostile programs are those of tests/hostile/programs, with the limits that its tests give them.
The honest twin of one is a program in its language that holds a slot for the same time and uses the
processor for as much of it as one ordinary thread can: what a harmless client might send. What an
attack does beyond that (processes, threads, memory, output, files) is its own.
"""

import json
import os
from dataclasses import dataclass, field

from parts import REPOSITORY

PROGRAMS = os.path.join(REPOSITORY, "tests", "hostile", "programs")
LANGUAGES = {".c": "c", ".cpp": "c++", ".py": "python", ".sh": "bash"}
FILES = {"c": "main.c", "c++": "main.cpp", "python": "main.py", "bash": "main.sh"}
DONE = "done\n"


@dataclass(frozen=True)
class Hostile:
    program: str
    status: str  # of the stage that ends it; empty: null, it ends by itself
    request: dict = field(default_factory=dict)

    @property
    def language(self):
        return LANGUAGES[os.path.splitext(self.program)[1]]

    def body(self):
        with open(os.path.join(PROGRAMS, self.program), encoding="utf-8") as source:
            return body_of(self.language, source.read(), self.request)


# Neighbours in this table run at the same time or one after the other.
HOSTILE = (
    Hostile("o01_fork_bomb.c", "TO", {"run_timeout": 500}),
    Hostile("o07_malloc_bomb.c", "SG", {"run_memory_limit": 96 << 20}),
    Hostile("o22_output_flood.py", "OL"),
    Hostile("o14_threads.c", "TO", {"run_cpu_time": 400}),
    Hostile("o31_leave.py", ""),
    Hostile("o17_fill_disk.py", ""),
    Hostile("o02_exec_storm.c", "TO", {"run_timeout": 500}),
    Hostile("o10_files_as_memory.py", "SG", {"run_memory_limit": 96 << 20}),
    Hostile("o13_sleep.sh", "TO", {"run_timeout": 300}),
    Hostile("o12_busy_loop.c", "TO", {"run_cpu_time": 300}),
    Hostile("o03_signal_proof.py", ""),
    Hostile("o04_zombies.c", ""),
    Hostile("o19_sparse.py", ""),
    Hostile("o16_compile_loop.cpp", "TO", {"compile_timeout": 600}),
    Hostile("o30_leave.py", ""),
    Hostile("o15_handlers.c", "TO", {"run_cpu_time": 600}),
    Hostile("o32_leave.py", ""),
    Hostile("o26_held_pipe.py", ""),
)


def body_of(language, source, more):
    request = {"language": language, "version": "*",
               "files": [{"name": FILES[language], "content": source}]}
    return json.dumps(request | more).encode()


def last_stage(answer):
    """The stage that ended the job: what ended the compiler is told again in run."""
    compiled = answer.get("compile")
    return compiled if compiled and compiled.get("status") else answer["run"]


def verdict_of(hostile, status, answer):
    """(what is counted, complaint): the job's status, and what is wrong with that."""
    if status != 200 or not isinstance(answer, dict) or not isinstance(answer.get("run"), dict):
        return str(status), f"{hostile.program} is answered {status} {str(answer)[:200]}"
    stage = last_stage(answer)
    verdict = stage.get("status") or "ended"
    said = f"{stage.get('stdout')}{stage.get('stderr')}"
    if "BREACH" in said:
        return "BREACH", f"{hostile.program} says {said[said.index('BREACH'):][:100]}"
    if (stage.get("status") or "") != hostile.status:
        return verdict, f"{hostile.program} ends with {verdict}: {str(stage)[:300]}"
    return verdict, ""


@dataclass(frozen=True)
class Length:
    """How long a hostile job takes on an engine that has nothing else to do. Milliseconds."""

    wall: float
    cpu: float
    is_cut: bool  # by the clock, so that it takes no longer when the processors are shared


def length_of(answer):
    stage = last_stage(answer)
    is_cut = stage.get("status") == "TO" and "wall clock" in (stage.get("message") or "")
    return Length(stage.get("wall_time") or 0, stage.get("cpu_time") or 0, is_cut)


# How an honest twin passes its time: on the processor for so much of its own processor time, or by
# the clock, or asleep.
COMPUTES, SPINS, SLEEPS = "computes", "spins", "sleeps"

TWIN_PYTHON = """import sys, time
how, seconds = sys.argv[1], float(sys.argv[2])
start = time.monotonic()
while how == "computes" and time.process_time() < seconds: pass
while how == "spins" and time.monotonic() < start + seconds: pass
if how == "sleeps": time.sleep(seconds)
print("done")
"""

TWIN_C = """#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int count, char **words) {
    const char *how = count > 2 ? words[1] : "";
    const double seconds = count > 2 ? atof(words[2]) : 0;
    const struct timespec rest = {(time_t)seconds, (long)((seconds - (long)seconds) * 1e9)};
    const double start = now(CLOCK_MONOTONIC);
    while (strcmp(how, "computes") == 0 && now(CLOCK_PROCESS_CPUTIME_ID) < seconds) continue;
    while (strcmp(how, "spins") == 0 && now(CLOCK_MONOTONIC) < start + seconds) continue;
    if (strcmp(how, "sleeps") == 0) nanosleep(&rest, NULL);
    puts("done");
    return 0;
}
"""


def pastime_of(length):
    """(how, milliseconds) of the twin. It has one thread, so it never computes for longer than the
    attack took by the clock."""
    if length.cpu < length.wall / 2:
        return SLEEPS, length.wall
    if length.is_cut:
        return SPINS, length.wall
    return COMPUTES, min(length.cpu, length.wall)


def twin_of(hostile, length):
    """The body of the honest twin's request; it prints DONE."""
    how, milliseconds = pastime_of(length)
    language = "c" if hostile.language == "c" else "python"
    return body_of(language, TWIN_C if language == "c" else TWIN_PYTHON,
                   {"args": [how, f"{milliseconds / 1000:.4f}"]})
