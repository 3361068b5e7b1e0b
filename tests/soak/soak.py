"""Runs an engine for long under honest and hostile load, and says whether it stays as it was.

What "p99 within 2 × at the same load" means. Slices of two kinds alternate. In both the same number
of honest clients sends the same mix of small jobs in closed loops, and beside them the same number
of other clients, each with an address of its own, keeps the engine full:

(a) honest company: for each attack of (b) its honest twin, an ordinary program of the same language
    that holds a slot for as long and computes for as much of it as one thread can;
(b) hostile company: the attacks.

So an honest client waits behind the same number of others in both, for about as long, and the ratio
of its p99 is what it suffers because they are hostile and not merely busy. Without company in (a) the
ratio would mostly tell how many clients there are: a slot that is taken for half a second by a
sleeping attack is taken as long by a sleeping user. The twins are made on the light side: one thread,
no more processor than the attack took, memory and output of next to nothing.
"""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import replace

import parts
import census
import judge
import load
import tables
from engine import Engine, no_python, not_ready
from machine import Machine

COMPANY = 4  # clients besides the honest ones: as many as jobs at once, by default
LEAD = 1.0   # seconds for which the company is alone, so that the engine is full when it counts


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/soak",
        description="Runs an engine under honest and hostile load, checks every honest answer, counts "
        "the host after every slice and prints Markdown tables. Builds the release preset first. Exits "
        "with 1 if an answer was wrong, something was left, or honest jobs were slowed down more than "
        f"{judge.RATIO:.0f} times.")
    add = parser.add_argument
    add("--minutes", type=float, default=60, help="of load, all slices together; default: 60")
    add("--clients", type=int, default=8, help="honest ones; default: 8")
    add("--slice", type=float, default=60, metavar="SECONDS", help="length of one; default: 60")
    add("--json", metavar="FILE", help="write the results there as well")
    add("--set", metavar="KEY=VALUE", action="append", default=[], dest="settings",
        help="a setting for the engine; repeatable")
    add("--binaries", metavar="DIR", default=os.path.join(parts.REPOSITORY, "build/release/bin"),
        help="use these programs instead of building them")
    options = parser.parse_args()
    if min(options.minutes, options.slice) <= 0 or options.clients < 1:
        parser.error("--minutes, --slice and --clients need more than 0")
    return options


def planned(options):
    """The companies of the slices, an even number: each of (b) has its (a)."""
    pairs = max(round(options.minutes * 60 / options.slice / 2), 1)
    return [load.HONEST, load.HOSTILE] * pairs


def run_slice(address, company, number, options, lengths):
    """One slice; returns when all its clients have their last answer."""
    start = time.monotonic() + LEAD
    until = start + options.slice
    others = load.in_process(load.run_company, address, COMPANY, company, lengths, until)
    time.sleep(LEAD)
    mine = load.in_process(load.run_honest, address, options.clients, number, until)
    answers = mine()
    return judge.Slice(company, time.monotonic() - start, answers, others())


def machine_wide():
    """What others on the machine change as well: recorded, not judged."""
    groups = [line.split() for line in census.read("/proc/cgroups").splitlines()[1:]]
    return {"open files": int((census.read("/proc/sys/fs/file-nr").split() or [0])[0]),
            "memory cgroups": next((int(g[2]) for g in groups if g[0] == "memory"), 0),
            "load": os.getloadavg()[0]}


def tell(index, count, slices):
    each = slices[-1]
    middle, high, highest = judge.percentiles(judge.times(each.honest))
    print(f"[{index}/{count}] {tables.NAMES[each.company]}: {len(each.honest)} honest jobs, "
          f"p50 {middle:.0f} p95 {high:.0f} p99 {highest:.0f} ms, {tables.wrong(each.honest)} wrong; "
          f"{len(each.others)} others, {tables.wrong(each.others)} odd, "
          f"{tables.verdicts(each.others)}; load {each.machine['load']:.1f}",
          file=sys.stderr, flush=True)
    for kind, first, _, last in judge.leaks([slices[0].census, each.census]):
        print(f"    {first} -> {last} {kind}", file=sys.stderr, flush=True)


def run_all(engine, place, options, lengths, slices):
    companies = planned(options)
    for index, company in enumerate(companies):
        each = run_slice(engine.address, company, index, options, lengths)
        rest = census.settled(place, slices[0].census if slices else None)
        slices.append(replace(each, census=rest, machine=machine_wide()))
        if engine.process.poll() is not None:
            raise SystemExit("soak: the engine ended:\n" + engine.log_tail())
        tell(index + 1, len(companies), slices)


def soak(options, directory, instance):
    """An engine of its own, all slices, and how long the attacks take."""
    first_uid = 900_000_000 + os.getpid() % 16 * census.WATCHED_IDS
    settings = [f"instance={instance}", f"paths.run_directory={directory}/run",
                f"paths.data_directory={directory}/data", f"pool.first_uid={first_uid}",
                "warm.memory=0",  # which programs stand ready is not the same from slice to slice
                # Full after the first slices; then it has to make room.
                "compile.cache=4MiB", "compile.cache_entry=1MiB",
                *options.settings]
    program = os.path.join(options.binaries, "crankcased")
    slices = []
    with Engine(program, settings, os.path.join(directory, "log")) as engine:
        engine.wait_while(no_python)
        engine.wait_while(not_ready)
        place = census.Place(engine.process.pid, instance, directory, first_uid)
        lengths = load.measure_lengths(engine.address)
        try:
            run_all(engine, place, options, lengths, slices)
        except KeyboardInterrupt:
            print("soak: interrupted; this is what there is", file=sys.stderr)
    return slices, lengths


def main():
    options = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("soak: terminated"))
    instance = f"soak{os.getpid()}"
    directory = tempfile.mkdtemp(prefix=f"crankcase-{instance}-")
    os.chmod(directory, 0o755)  # the server is another user
    machine = Machine()
    try:
        slices, lengths = soak(options, directory, instance)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    if len(slices) < 2:
        raise SystemExit("soak: too short to say anything")
    description = machine.describe()
    print(tables.markdown(slices, lengths, description))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as out:
            json.dump(tables.as_json(slices, lengths, description), out, indent=1)
    sys.exit(0 if all(met for *_, met in tables.findings(slices)) else 1)


if __name__ == "__main__":
    main()
