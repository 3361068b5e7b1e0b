"""Measures the engine against the raw floor and prints Markdown tables; see README.md."""

import argparse
import contextlib
import json
import os
import signal
import statistics
import sys
import tempfile
import time

import compiling
import grading
import report
import warm
from engine import Engine, no_python, not_ready
from machine import Machine
from rows import make_rows
from targets import LoadGenerator, Material, Raw, Server
from workloads import BUSY, IDLE, WORKLOADS, Cell

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
REST = 0.15  # seconds between two slices: what the engine does after a burst is not raw's to pay
RUNNERS = 8


def numbers(text):
    return [int(word) for word in text.split(",")]


def words(text):
    return text.split(",")


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Measures the engine against the raw floor and prints Markdown tables. Builds "
        "the release preset first. Exits with 1 if a bar was missed or an answer was wrong.")
    add = parser.add_argument
    add("--quick", action="store_true", help="the rows that matter most, in about a minute")
    add("--warm", choices=("no", "yes", "only"), help="programs that stand ready for their jobs, "
        "and compilers; some minutes; default: yes, quick no")
    add("--json", metavar="FILE", help="write rows and samples there as well")
    add("--url", metavar="HOST:PORT", help="measure a running engine instead of starting one "
        "(without memory and start time)")
    add("--target", metavar="NAME=URL", action="append", default=[],
        help="also measure this server with Piston's API; NAME=raw is the floor a second time, "
        "which shows the noise; repeatable")
    add("--set", metavar="KEY=VALUE", action="append", default=[], dest="settings",
        help="a setting for the engine; repeatable")
    add("--workloads", type=words, default=list(WORKLOADS), help="of " + ", ".join(WORKLOADS))
    add("--clients", type=numbers, default=[1, 2, 8], help="default: 1,2,8")
    add("--modes", type=words, default=["busy", "idle"], help="busy, idle or both")
    add("--repetitions", type=int, help="default: 7, quick 4")
    add("--scale", type=float, help="of the length of a slice; default: 0.7, quick 0.35")
    add("--starts", type=int, help="for the start time; default: 7, quick 3")
    add("--scratch", metavar="DIR", help="where the floor makes its job directories")
    add("--binaries", metavar="DIR", default=os.path.join(REPOSITORY, "build/release/bin"),
        help="use these programs instead of building them")
    options = parser.parse_args()
    options.repetitions = options.repetitions or (4 if options.quick else 7)
    options.scale = options.scale or (0.35 if options.quick else 0.7)
    options.warm = "no" if options.url else options.warm or ("no" if options.quick else "yes")
    options.starts = options.starts or (3 if options.quick else 7)
    unknown = set(options.workloads) - set(WORKLOADS)
    if unknown:
        parser.error("no such workload: " + ", ".join(sorted(unknown)))
    return options


def planned_cells(options):
    modes = [{"busy": BUSY, "idle": IDLE}[mode] for mode in options.modes]
    cells = [Cell(WORKLOADS[name], mode, clients) for name in options.workloads
             for mode in modes for clients in options.clients]
    return [cell for cell in cells if cell.is_quick or not options.quick]


def planned_targets(options, scratch, address):
    targets = [Raw(scratch), Server("ours", address, is_ours=True)]
    for text in options.target:
        name, _, url = text.partition("=")
        targets.append(Raw(scratch, name) if url == "raw" else Server(name, url))
    return targets


def measure(cells, targets, generator, options):
    """All targets of a cell run one after the other; the order turns with the repetitions."""
    samples = []
    total = len(cells) * len(targets) * options.repetitions
    for repetition in range(options.repetitions):
        turn = repetition % len(targets)
        for cell in cells:
            for target in targets[turn:] + targets[:turn]:
                seconds = cell.workload.seconds * options.scale * (1.5 if cell.pause else 1)
                sample = generator.slice(target, cell, seconds)
                sample |= {"cell": cell.name, "target": target.name, "repetition": repetition}
                samples.append(sample)
                print(f"[{len(samples)}/{total}] {cell.name}, {target.name}: "
                      f"p50 {sample['p50']:.2f} ms, {sample['jobs_per_second']:.1f} jobs/s, "
                      f"{sample['errors']} errors {sample['first_error'][:100]}",
                      file=sys.stderr, flush=True)
                time.sleep(REST)
    return samples


def fact(measure_name, value, *bars):
    """A line of the last table; a bar is (what is asked, what was measured, whether it was met)."""
    keys = ("bar", "measured", "met")
    return {"measure": measure_name, "value": value, "bars": [dict(zip(keys, bar)) for bar in bars]}


def start_fact(seconds):
    middle = statistics.median(seconds)
    return fact(f"start to first Python answer, median of {len(seconds)}",
                f"{middle * 1000:.0f} ms ({min(seconds) * 1000:.0f} … {max(seconds) * 1000:.0f})",
                ("< 1 s", f"{middle:.2f} s", middle < 1))


def grading_fact(result):
    return fact(*grading.describe(result),
                (f"tests ≤ {grading.BAR} × bare", f"{result['ratio']:.2f}",
                 result["ratio"] <= grading.BAR))


def shown_memory(memory):
    return "{:.1f} MiB PSS, {} processes".format(*memory)


def memory_fact(memory):
    mib, _ = memory
    return fact(f"idle memory with {RUNNERS} warm runners", shown_memory(memory),
                ("< 60 MiB", f"{mib:.1f}", mib < 60))


def measure_started(program, options, folder, run):
    """Starts the engine several times; the last one stays for the measuring. Returns the facts and
    what run(address) returned."""
    log = os.path.join(folder, "engine.log")
    # What is started is started and what is compiled is compiled each time, as the floor does it.
    settings = [f"pool.runners={RUNNERS}", "warm.memory=0", "compile.cache=0", *options.settings]
    seconds = []
    for _ in range(options.starts - 1):
        with Engine(program, settings, log) as engine:
            seconds.append(engine.wait_while(no_python))
    with Engine(program, settings, log) as engine:
        seconds.append(engine.wait_while(no_python))
        engine.wait_while(not_ready)
        facts = [start_fact(seconds), memory_fact(engine.idle_memory())]
        result = run(engine.address)
        facts.append(fact("memory after the run", shown_memory(engine.idle_memory())))
        facts.append(grading_fact(grading.measure(engine.address, folder)))
    return facts, result


class Side(Engine):
    """An engine beside another one: with a name, directories and ids of its own."""

    def __init__(self, program, options, folder, name, number, places):
        own = os.path.join(folder, name)
        os.chmod(folder, 0o755)  # the server is nobody here
        settings = [f"pool.runners={RUNNERS}", *options.settings, f"instance=bench{name}",
                    f"warm.parked={places}", f"paths.run_directory={own}/run",
                    f"paths.data_directory={own}/data",
                    f"pool.first_uid={700_000_000 + number * 64 * 65536}"]
        super().__init__(program, settings, own + ".log")
        self.target = Server(name, self.address)
        self.data = f"{own}/data"

    def __enter__(self):
        self.wait_while(not_ready)
        return self


def measure_warm(program, options, folder, generator):
    """Rows and facts of programs that stand ready, and of compilers."""
    with Side(program, options, folder, "memory", 0, warm.HELD) as engine:
        memory = warm.memory_facts(engine)

    @contextlib.contextmanager
    def both():
        with Side(program, options, folder, "cold", 1, 0) as cold, \
                Side(program, options, folder, "warm", 2, warm.PLACES) as ready:
            yield cold, ready

    with both() as (cold, ready):
        rows, missing = warm.measure(generator, Raw(folder, "bare"), cold, ready, options)
    facts = missing + memory
    for compiled in compiling.PROGRAMS:  # each has the room for what stands ready to itself
        with both() as (cold, ready):
            facts += compiling.measure(compiled, cold, ready, options.repetitions)
    return rows, facts


def main():
    options = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench: terminated"))
    machine = Machine()
    cells = planned_cells(options)
    with tempfile.TemporaryDirectory(prefix="crankcase-bench-", dir=options.scratch,
                                     ignore_cleanup_errors=True) as folder:
        generator = LoadGenerator(os.path.join(options.binaries, "loadgen"), Material(folder))

        def run(address):
            targets = planned_targets(options, folder, address)
            samples = measure(cells, targets, generator, options)
            return make_rows(cells, targets, samples), samples

        program = os.path.join(options.binaries, "crankcased")
        facts, (rows, samples), warm_rows = [], ([], []), []
        if options.url:
            rows, samples = run(options.url)
        elif options.warm != "only":
            facts, (rows, samples) = measure_started(program, options, folder, run)
        if options.warm != "no":
            warm_rows, more = measure_warm(program, options, folder, generator)
            facts += more

    description = machine.describe()
    print(report.markdown(rows, warm_rows, facts, description))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as out:
            json.dump(report.as_json(rows, warm_rows, facts, description, samples), out, indent=1)
    sys.exit(0 if report.all_is_well([*rows, *warm_rows], facts) else 1)


if __name__ == "__main__":
    main()
