"""Programs of tests/warm in installed packages: from a cold start, and in what was started ahead of
the job, which must say the same to the byte."""

import json
import os
import sys
import time
import urllib.request

WARM = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "warm")
STANDS_WITHIN = 60.0

# What may be started ahead, and the file that its programs are in.
PACKAGES = {"typescript=5": "main.ts", "java=17": "Main.java", "java=25": "Main.java"}

COLD = ["warm.parked=0", "compile.cache=0"]
READY = ["warm.parked=2", "compile.cache=0"]


def programs_of(language):
    """(name, code, input) of each; README.md there says how the file reads."""
    programs = []
    with open(os.path.join(WARM, language + ".txt"), encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("=== "):
                programs.append([line[4:].strip(), "", ""])
            elif line.startswith("<<< ") and not programs[-1][1]:
                programs[-1][2] += line[4:]
            else:
                programs[-1][1] += line
    return programs


def ask(place, entry, file_name, program):
    """What a client sees of each stage, but for times and memory; and whether anything was ready."""
    body = {"language": entry["languages"][0], "version": entry["version"], "stdin": program[2],
            "files": [{"name": file_name, "content": program[1]}]}
    before = warm_starts(place)
    request = urllib.request.Request(place.url + "/api/v2/execute", json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as reply:
        answer = json.load(reply)
    seen = {stage: {part: answer[stage][part] for part in ("stdout", "stderr", "code", "signal")}
            for stage in ("compile", "run") if stage in answer}
    return seen, warm_starts(place) > before


def warm_starts(place):
    with urllib.request.urlopen(place.url + "/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines
               if line.startswith("crankcase_job_starts_total{") and 'start="warm"' in line)


def ask_ready(place, entry, file_name, program):
    deadline = time.monotonic() + STANDS_WITHIN
    while time.monotonic() < deadline:
        seen, was_ready = ask(place, entry, file_name, program)
        if was_ready:
            return seen
        time.sleep(0.1)
    raise SystemExit(f"languages: nothing stood ready for {entry['name']} in {STANDS_WITHIN:.0f} s")


def compare(start, matching, requests):
    """Of each package that is asked for; `start` makes an engine with such settings, always on the same
    store. Returns how many programs differed."""
    different = 0
    for request in requests or PACKAGES:
        file_name = PACKAGES[request]
        with start(COLD) as place:
            entry = matching(place.list(), [request])[0]
            code, _, complaint = place.tool("install", f"{entry['name']}={entry['version']}")
            trouble = complaint if code != 0 else place.wait_for_runtimes(entry)
            if trouble:
                raise SystemExit(f"languages: {request}: {trouble}")
            programs = programs_of(entry["languages"][0])
            expected = [ask(place, entry, file_name, program)[0] for program in programs]
        with start(READY) as place:
            place.wait_for_runtimes(entry)
            for program, cold in zip(programs, expected):
                ready = ask_ready(place, entry, file_name, program)
                if ready != cold:
                    different += 1
                    print(f"{request}: {program[0]}\n  cold  {cold}\n  ready {ready}", file=sys.stderr)
        print(f"{request}: {len(programs)} programs", flush=True)
    return different
