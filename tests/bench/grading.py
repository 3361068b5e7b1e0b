"""A program with a hundred tests: in one request, one by one, and spawned bare."""

import json
import os
import statistics
import subprocess
import time

from engine import ask

TESTS = 100
IN_FLIGHT = 4  # admission.concurrent_jobs, unless it is set otherwise
REPETITIONS = 5
ONE_BY_ONE = 10  # so many are sent; each compiles anew
BAR = 1.3  # times the bare runs, beside compiling once

# About 20 ms of one core as it is compiled: what a small exercise takes on its larger inputs.
SOURCE = """#include <iostream>

int main() {
    unsigned long long seed = 0;
    std::cin >> seed;
    unsigned long long sum = seed;
    for (int i = 0; i < 8000000; ++i) sum = sum * 6364136223846793005ULL + 1442695040888963407ULL;
    std::cout << (sum == 0 ? "zero" : "sum") << ' ' << seed << '\\n';
}
"""
COMPILE = ("/usr/bin/g++", "-std=c++17", "main.cpp", "-o", "program")


def request(tests):
    return json.dumps({"language": "c++", "version": "*",
                       "files": [{"name": "main.cpp", "content": SOURCE}]} | tests)


def graded(address):
    """Seconds of the whole request and, of these, of compiling."""
    tests = [{"stdin": str(i), "expected_output": f"sum {i}"} for i in range(TESTS)]
    began = time.monotonic()
    status, text = ask(address, "POST", "/api/v2/execute", request({"tests": tests}))
    seconds = time.monotonic() - began
    if status != 200:
        raise SystemExit(f"bench: a graded job is answered {status} {text[:200]}")
    answer = json.loads(text)
    if answer["score"]["passed"] != TESTS:
        wrong = next(test for test in answer["tests"] if test["verdict"] != "accepted")
        raise SystemExit(f"bench: {answer['score']} {json.dumps(wrong)[:300]}")
    return seconds, answer["compile"]["wall_time"] / 1000


def sent_singly(address):
    """Seconds of one request for each test."""
    began = time.monotonic()
    for i in range(ONE_BY_ONE):
        status, text = ask(address, "POST", "/api/v2/execute", request({"stdin": str(i)}))
        if status != 200 or json.loads(text)["run"]["stdout"] != f"sum {i}\n":
            raise SystemExit(f"bench: a job is answered {status} {text[:200]}")
    return (time.monotonic() - began) / ONE_BY_ONE * TESTS


def spawned(program, inputs, output):
    """Seconds of the bare runs, as many at once as the engine has slots."""
    running = set()
    began = time.monotonic()
    for path in inputs:
        if len(running) == IN_FLIGHT:
            running.discard(os.wait()[0])
        files = [(os.POSIX_SPAWN_OPEN, 0, path, os.O_RDONLY, 0),
                 (os.POSIX_SPAWN_OPEN, 1, output, os.O_WRONLY, 0)]
        running.add(os.posix_spawn(program, [program], {}, file_actions=files, setsid=True))
    while running:
        pid, status = os.wait()
        if status != 0:
            raise SystemExit(f"bench: the bare program ended with {status}")
        running.discard(pid)
    return time.monotonic() - began


def bare_inputs(folder):
    paths = [os.path.join(folder, f"test-{i}") for i in range(TESTS)]
    for i, path in enumerate(paths):
        with open(path, "w", encoding="utf-8") as out:
            out.write(f"{i}\n")
    return paths


def measure(address, folder):
    """Medians: bare runs, tests without and with compiling, one by one; and the ratio of the first
    two, taken within each repetition."""
    with open(os.path.join(folder, "main.cpp"), "w", encoding="utf-8") as out:
        out.write(SOURCE)
    subprocess.run(COMPILE, cwd=folder, check=True)
    program = os.path.join(folder, "program")
    inputs = bare_inputs(folder)
    rounds = []
    for _ in range(REPETITIONS):
        bare = spawned(program, inputs, "/dev/null")
        whole, compiling = graded(address)
        rounds.append((bare, whole - compiling, whole))
    bare, tests, whole = (statistics.median(column) for column in zip(*rounds))
    ratio = statistics.median(tests / bare for bare, tests, _ in rounds)
    return {"bare": bare, "tests": tests, "whole": whole, "ratio": ratio,
            "singly": sent_singly(address)}


def describe(result):
    """Two cells of a table: what it is, and its values."""
    return (f"{TESTS} tests of a C++ program, median of {REPETITIONS}",
            "{whole:.2f} s, {tests:.2f} s without compiling; bare {bare:.2f} s; one by one "
            "{singly:.1f} s".format(**result))
