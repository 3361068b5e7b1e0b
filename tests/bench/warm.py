"""Programs that stand ready for their jobs (warm.parked): against the bare interpreter, and against
the same engine without them, one after the other in every repetition."""

import json
import math
import os
import sys
import time
from dataclasses import dataclass, field

from engine import ask, tree_of
from report import number
from rows import median, percentile
from workloads import BUSY, HELLOS, IDLE, Cell

PLACES = 2 * len(HELLOS)
HELD = 8  # programs, for what they take of memory
REST = 0.15
SATURATED = 2 * os.cpu_count()  # clients
LEAST_OF_COLD = 0.98  # jobs/s with programs that stand ready ÷ without, saturated

# Of one client: the median ÷ the bare interpreter's; of all processors: jobs/s ÷ the bare ones'.
MEDIANS = {"python": 0.5, "php": 0.35, "node": 0.4, "lua": 0.7, "echo": 0.7, "perl": 0.8}
TAILS = {"python": 1.0}  # the p99 ÷ the bare interpreter's median
SATURATION = {"python": 2, "php": 2.5, "lua": 1.2, "perl": 1.2}

# Of so many that stand ready at once, each for a main file of its own: MB of PSS together.
MEMORY = {"python": 30, "node": 80}


@dataclass
class Row:
    """One program with so many clients, all repetitions. Times in milliseconds."""

    workload: str
    mode: str
    clients: int
    bare_p50: float
    cold_p50: float
    p50: float
    p99: float
    ratio: float  # of medians, warm ÷ bare
    tail: float  # p99 ÷ bare median
    to_bare: float  # jobs/s ÷ bare's
    to_cold: float  # jobs/s ÷ the engine's without
    share: float  # of the jobs, that found their program started
    jobs: int
    errors: int
    raw_errors: int
    first_error: str
    target: str = "warm"
    bars: list = field(default_factory=list)


def starts(address):
    """How many jobs of the engine found their program started or were forked, and how many there were."""
    warm, every = 0, 0
    for line in ask(address, "GET", "/metrics")[1].splitlines():
        if line.startswith("crankcase_job_starts_total{"):
            labels, _, value = line.rpartition(" ")
            every += float(value)
            warm += float(value) if 'start="cold"' not in labels else 0
    return warm, every


def languages(address):
    status, text = ask(address, "GET", "/api/v2/runtimes")
    return {runtime["language"] for runtime in json.loads(text)} if status == 200 else set()


def what_is_missing(workload, address):
    """Why there is no row of it; empty if there is."""
    programs = [stage.split()[0] for stage in workload.stages]
    absent = [path for path in programs if path.startswith("/") and not os.access(path, os.X_OK)]
    if absent:
        return f"missing: no {absent[0]} on this machine"
    if workload.language not in languages(address):
        return f"missing: the engine has no {workload.language}"
    return ""


def cells():
    return [Cell(workload, mode, clients) for workload in HELLOS
            for mode, clients in ((BUSY, 1), (IDLE, 1), (BUSY, SATURATED))]


def measure(generator, bare, cold, warm, options):
    """Bare, cold and warm in every repetition, in an order that turns. Returns rows, and facts of
    what is missing."""
    missing = {workload.name: what_is_missing(workload, warm.address) for workload in HELLOS}
    chosen = [cell for cell in cells() if not missing[cell.workload.name]]
    targets = [("bare", bare, None), ("cold", cold.target, cold), ("warm", warm.target, warm)]
    samples = {}
    for repetition in range(-1, options.repetitions):  # in the first the engine learns
        for cell in chosen:
            turn = repetition % len(targets)
            for name, target, engine in targets[turn:] + targets[:turn]:
                seconds = cell.workload.seconds * options.scale * (1.5 if cell.pause else 1)
                sample = slice_of(generator, target, engine, cell,
                                  seconds if repetition >= 0 else 0.3)
                if repetition >= 0:
                    samples.setdefault((cell.name, name), []).append(sample)
                time.sleep(REST)
            print(f"[{repetition + 1}/{options.repetitions}] warm starts: {cell.name}",
                  file=sys.stderr, flush=True)
    rows = [row_of(cell, samples) for cell in chosen]
    return rows, [{"measure": f"warm starts of {name}", "value": why, "bars": []}
                  for name, why in missing.items() if why]


def slice_of(generator, target, engine, cell, seconds):
    before = starts(engine.address) if engine else (0, 0)
    sample = generator.slice(target, cell, seconds)
    after = starts(engine.address) if engine else (0, 0)
    return sample | {"warm": after[0] - before[0], "begun": after[1] - before[1]}


def row_of(cell, samples):
    bare, cold, warm = (samples[cell.name, name] for name in ("bare", "cold", "warm"))
    together = [[took for sample in each for took in sample["milliseconds"]]
                for each in (bare, cold, warm)]
    ratios = [(w["p50"] / b["p50"], w["jobs_per_second"] / b["jobs_per_second"],
               w["jobs_per_second"] / c["jobs_per_second"])
              for b, c, w in zip(bare, cold, warm) if b["jobs"] and c["jobs"] and w["jobs"]]
    medians = [median(list(column)) for column in zip(*ratios)] or [math.nan] * 3
    failed = [sample for sample in (*bare, *cold, *warm) if sample["errors"]]
    row = Row(workload=cell.workload.name, mode=cell.mode, clients=cell.clients,
              bare_p50=percentile(together[0], 0.5), cold_p50=percentile(together[1], 0.5),
              p50=percentile(together[2], 0.5), p99=percentile(together[2], 0.99),
              ratio=medians[0], tail=percentile(together[2], 0.99) / percentile(together[0], 0.5),
              to_bare=medians[1], to_cold=medians[2],
              share=sum(s["warm"] for s in warm) / max(sum(s["begun"] for s in warm), 1),
              jobs=len(together[2]), errors=sum(sample["errors"] for sample in (*cold, *warm)),
              raw_errors=sum(sample["errors"] for sample in bare),
              first_error=failed[0]["first_error"] if failed else "")
    judge(row)
    return row


def judge(row):
    """Writes into the row what was asked of it. A row with a failed answer meets no bar."""
    def bar(text, value, met):
        row.bars.append({"bar": text, "measured": number(value),
                         "met": bool(met and row.jobs and not row.errors + row.raw_errors)})

    if row.clients == 1:
        asked = MEDIANS[row.workload]
        bar(f"p50 ≤ {asked} × bare", row.ratio, row.ratio <= asked)
        if row.workload in TAILS:
            bar(f"p99 ≤ {TAILS[row.workload]:g} × bare p50", row.tail,
                row.tail <= TAILS[row.workload])
        return
    bar(f"jobs/s ≥ {LEAST_OF_COLD} × cold", row.to_cold, row.to_cold >= LEAST_OF_COLD)
    if row.workload in SATURATION:
        asked = SATURATION[row.workload]
        bar(f"jobs/s ≥ {asked} × bare", row.to_bare, row.to_bare >= asked)


def parked_of(engine, argument):
    """Processes of the engine that were started with such an argument."""
    found = []
    for pid in tree_of(engine.process.pid):
        try:
            with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as line:
                if any(word.startswith(argument) for word in line.read().split("\0")):
                    found.append(pid)
        except OSError:
            pass  # it has ended
    return found


def pss(pids):
    """Megabytes of the processes, in which a page that several share counts once."""
    kib = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as rollup:
            kib += next(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))
    return kib * 1024 / 1e6


def memory_facts(engine):
    """On an engine of its own, with HELD places and nothing in them."""
    facts = []
    for name, asked in MEMORY.items():
        workload = next(hello for hello in HELLOS if hello.name == name)
        measure_name = f"memory of {HELD} that stand ready, {name}"
        why = what_is_missing(workload, engine.address)
        if why:
            facts.append({"measure": measure_name, "value": why, "bars": []})
            continue
        pids = fill_places(engine, workload)
        megabytes = pss(pids)
        facts.append({"measure": measure_name,
                      "value": f"{megabytes:.1f} MB PSS of {len(pids)} processes",
                      "bars": [{"bar": f"≤ {asked} MB", "measured": f"{megabytes:.1f}",
                                "met": len(pids) == HELD and megabytes <= asked}]})
    return facts


def fill_places(engine, workload):
    """Asks for as many programs as there are places, until they stand there."""
    mark = f"ready-{workload.name}-"
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for place in range(HELD):
            body = workload.request()
            body["files"][0]["name"] = f"{mark}{place}{os.path.splitext(workload.file_name)[1]}"
            ask(engine.address, "POST", "/api/v2/execute", json.dumps(body))
        settled = time.monotonic() + 3
        while time.monotonic() < settled:
            pids = parked_of(engine, mark)
            if len(pids) == HELD:
                return pids
            time.sleep(0.05)
    return parked_of(engine, mark)
