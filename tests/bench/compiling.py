"""Programs that are compiled first: the first of its kind, and the same again, against the bare
tools."""

import glob
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace

from engine import ask
from warm import parked_of, starts, what_is_missing

READY_WITHIN = 30.0
INSTALLED_WITHIN = 300.0
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/tmp"}


@dataclass(frozen=True)
class Program:
    name: str
    language: str
    file_name: str
    source: str  # NUMBER in it makes each one new
    stages: tuple
    first: float  # at most so much ÷ the bare tools, by an engine with programs that stand ready
    again: float = 0  # the same, sent once more; 0: not asked
    cold: float = 0  # by an engine without; 0: not asked
    parked: bool = False  # its compiler may stand ready
    package: tuple = ()  # (name, version), if it comes of one, in whose layers the stages' {paths} lie

    def numbered(self, number):
        return self.source.replace("NUMBER", str(number))

    def request(self, number):
        return json.dumps({"language": self.language, "version": "*", "files": [
            {"name": self.file_name, "content": self.numbered(number)}]})


GXX = ("/usr/bin/g++ -std=gnu++17 main.cpp -o a.out", "./a.out")
IOSTREAM = """#include <iostream>

int main() {
    std::cout << "number " << NUMBER << '\\n';
}
"""
EVERYTHING = """#include <bits/stdc++.h>

int main() {
    std::vector<int> numbers{3, 1, 2, NUMBER};
    std::sort(numbers.begin(), numbers.end());
    std::cout << "number " << numbers.back() << '\\n';
}
"""
TYPESCRIPT = """const numbers: number[] = [NUMBER];
console.log(`number ${numbers[0]}`);
"""
JAVA = """public class Main {
    public static void main(String[] arguments) {
        System.out.println("number " + NUMBER);
    }
}
"""

PROGRAMS = (
    Program("C++ <iostream>", "c++", "main.cpp", IOSTREAM, GXX, first=0.35, again=0.05),
    Program("C++ <bits/stdc++.h>", "c++", "main.cpp", EVERYTHING, GXX, first=0.25, again=0.05),
    Program("TypeScript", "typescript", "main.ts", TYPESCRIPT,
            ("{opt/node/bin/node} {opt/typescript/lib/tsc.js} main.ts", "{opt/node/bin/node} main.js"),
            first=0.1, parked=True, package=("typescript", "5.9.3")),
    Program("Java, one file", "java", "Main.java", JAVA, ("/usr/bin/java Main.java",), first=0.25,
            cold=0.6, parked=True),
)


def bare(program, number):
    """Seconds of the tools alone, in a directory of their own."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bare-") as folder:
        with open(os.path.join(folder, program.file_name), "w", encoding="utf-8") as out:
            out.write(program.numbered(number))
        for stage in program.stages:
            done = subprocess.run(stage.split(), cwd=folder, env=ENVIRONMENT, capture_output=True,
                                  text=True)
            if done.returncode != 0:
                raise SystemExit(f"bench: {stage} ended with {done.returncode}: {done.stderr}")
    if f"number {number}" not in done.stdout:
        raise SystemExit(f"bench: {program.name} said {done.stdout[:200]}")
    return time.monotonic() - began


def sent(program, number, address):
    began = time.monotonic()
    status, text = ask(address, "POST", "/api/v2/execute", program.request(number))
    seconds = time.monotonic() - began
    if status != 200 or json.loads(text)["run"]["stdout"].strip() != f"number {number}":
        raise SystemExit(f"bench: {program.name} is answered {status} {text[:300]}")
    return seconds


def cpu_ticks(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as line:
        return line.read().rpartition(")")[2].split()[11:13]


def wait_for_compiler(program, engine):
    """Until one has been started for it and has come to its gate, where it does nothing more."""
    deadline, before = time.monotonic() + READY_WITHIN, None
    while time.monotonic() < deadline:
        try:
            now = [(pid, cpu_ticks(pid)) for pid in parked_of(engine, program.file_name)]
        except OSError:
            now = None  # one has ended
        if now and now == before:
            return
        before = now
        time.sleep(0.5)


def rounds(program, cold, warm, repetitions):
    """((bare, first, again, without) of each repetition, how many of the first found a compiler that
    stood ready); what comes before the first is not in it."""
    result, found = [], 0
    for repetition in range(-1, repetitions):
        number = 1000 + repetition
        without = bare(program, number), sent(program, number, cold.address)
        if program.parked and repetition >= 0:
            wait_for_compiler(program, warm)
        before = starts(warm.address)[0]
        first = sent(program, number, warm.address)
        found += starts(warm.address)[0] - before if repetition >= 0 else 0
        each = without[0], first, sent(program, number, warm.address), without[1]
        print(f"[{repetition + 1}/{repetitions}] {program.name}: "
              + ", ".join(f"{seconds:.3f}" for seconds in each), file=sys.stderr, flush=True)
        if repetition >= 0:
            result.append(each)
    return result, found


def facts_of(program, times, found):
    bares = statistics.median(each[0] for each in times)
    result = []
    for name, column, asked in (("first", 1, program.first), ("the same again", 2, program.again),
                                ("first, nothing parked", 3, program.cold)):
        if not asked:
            continue
        seconds = statistics.median(each[column] for each in times)
        ratio = statistics.median(each[column] / each[0] for each in times)
        ready = f", {found:.0f} of {len(times)} found ready" if program.parked and column == 1 else ""
        result.append({"measure": f"{program.name}, {name}",
                       "value": f"{seconds * 1000:.0f} ms, bare {bares * 1000:.0f} ms{ready}",
                       "bars": [{"bar": f"≤ {asked} × bare", "measured": f"{ratio:.3f}",
                                 "met": ratio <= asked}]})
    return result


def install(program, engine):
    """Why the program's package is not there; empty if it is."""
    name, version = program.package
    request = json.dumps({"language": name, "version": version})
    status, text = ask(engine.address, "POST", "/api/v2/packages", request, INSTALLED_WITHIN)
    return "" if status == 200 else f"missing: {name} is not installed, {status} {text[:200]}"


def with_paths(program, data):
    """The program with the files its stages name, as they lie in the data directory's layers."""
    def found(path):
        places = glob.glob(f"{data}/layers/*/{path[1]}")
        return min(places) if places else f"/no/layer/with/{path[1]}"

    return replace(program, stages=tuple(re.sub(r"\{(.*?)\}", found, stage)
                                         for stage in program.stages))


def measure(program, cold, warm, repetitions):
    """Facts of the program; if it is missing, that it is."""
    why = ""
    if program.package:
        why = install(program, cold) or install(program, warm)
        program = with_paths(program, warm.data)
    why = why or what_is_missing(program, warm.address)
    if why:
        return [{"measure": program.name, "value": why, "bars": []}]
    return facts_of(program, *rounds(program, cold, warm, repetitions))
