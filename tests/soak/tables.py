"""The soak's result as Markdown and as JSON."""

import math
import statistics
from collections import Counter

import parts  # noqa: F401
import judge
from honest import KINDS
from report import table

NAMES = {"honest": "a: honest company", "hostile": "b: hostile company"}


def number(value, digits=0):
    return "–" if math.isnan(value) else f"{value:.{digits}f}"


def verdicts(samples):
    counted = Counter(sample.verdict for sample in samples if sample.verdict)
    return ", ".join(f"{verdict} {count}" for verdict, count in counted.most_common())


def wrong(samples):
    return sum(bool(sample.complaint) for sample in samples)


def table_of_slices(slices):
    return table(
        ["slice", "company", "honest jobs", "jobs/s", "wrong", "p50 ms", "p95", "p99",
         "company's jobs", "their verdicts"],
        [[str(index), NAMES[each.company], str(len(each.honest)),
          number(len(each.honest) / each.seconds, 1), str(wrong(each.honest)),
          *[number(value) for value in judge.percentiles(judge.times(each.honest))],
          str(len(each.others)), verdicts(each.others)]
         for index, each in enumerate(slices, 1)])


def table_of_latency(slices):
    rows = []
    for kind in [None, *KINDS]:
        both = [judge.percentiles(judge.times(judge.honest_of(slices, company), kind))
                for company in ("honest", "hostile")]
        rows.append([kind or "all", *[number(value) for values in both for value in values],
                     number(judge.ratio_of(slices, kind, 0.50), 2),
                     number(judge.ratio_of(slices, kind), 2)])
    return table(["honest jobs", "a: p50 ms", "p95", "p99", "b: p50 ms", "p95", "p99",
                  "p50 b ÷ a", "p99 b ÷ a"], rows)


def table_of_company(slices, lengths):
    """What each attack took of a slot, beside what its honest twin took."""
    rows = []
    for program, length in lengths.items():
        of = {company: [sample for each in slices if each.company == company
                        for sample in each.others if sample.kind == program] for company in NAMES}
        slots = [statistics.fmean([s.slot for s in samples] or [math.nan])
                 for samples in of.values()]
        rows.append([program, number(length.wall), number(length.cpu),
                     *[number(slot) for slot in slots], str(len(of["hostile"])),
                     verdicts(of["hostile"])])
    return table(["attack", "alone ms", "processor ms", "a: twin's slot ms", "b: its slot ms",
                  "jobs", "verdicts"], rows)


def table_of_host(slices):
    counted = [judge.groups(each.census) for each in slices]
    kinds = sorted({kind for groups in counted for kind in groups})
    rows = [[kind, *(str(groups.get(kind, 0)) for groups in (counted[0], counted[-1])),
             str(max(groups.get(kind, 0) for groups in counted))] for kind in kinds]
    return table(["on the host", "after the first slice", "after the last", "most"], rows)


def table_of_memory(memories):
    return table(
        ["memory", "first quarter MiB", "last quarter MiB", "allowed", "slope KiB a slice", ""],
        [[memory.name, *(number(value / 1024, 1)
                         for value in (memory.first, memory.last, memory.allowed)),
          number(memory.slope, 1), "flat" if memory.is_flat else "**grew**"]
         for memory in memories])


def findings(slices):
    """The closing table's lines: (what, asked, measured, met)."""
    errors, strange = judge.complaints(slices)
    leaks = judge.leaks([each.census for each in slices])
    memories = judge.memory_of([each.census for each in slices])
    grown = [memory.name for memory in memories if not memory.is_flat]
    least = min(len(judge.honest_of(slices, company)) for company in NAMES)
    ratio = judge.ratio_of(slices)
    spread = judge.ratios_of_pairs(slices)
    shown = f" ({number(min(spread), 2)} … {number(max(spread), 2)} in pairs)" if spread else ""
    jobs = sum(len(each.honest) for each in slices)
    others = sum(len(each.others) for each in slices if each.company == "hostile")
    return [
        (f"wrong answers to {jobs} honest jobs and the company's", "0", str(len(errors)),
         not errors),
        (f"hostile jobs that ended otherwise, of {others}", "0", str(len(strange)), not strange),
        ("p99 beside hostile ÷ beside honest company", f"≤ {judge.RATIO:.0f}",
         number(ratio, 2) + shown, least >= judge.LEAST_JOBS and ratio <= judge.RATIO),
        ("kinds of things that are more than after the first slice", "0", str(len(leaks)),
         not leaks),
        ("memory of the engine's processes", "flat",
         ("grew: " + ", ".join(grown) if grown else "flat") if memories else "too few slices",
         not grown),
    ]


def markdown(slices, lengths, machine):
    errors, strange = judge.complaints(slices)
    leaks = judge.leaks([each.census for each in slices])
    memories = judge.memory_of([each.census for each in slices])
    blocks = [f"Machine: {machine}", table_of_slices(slices), table_of_latency(slices),
              table_of_company(slices, lengths), table_of_host(slices)]
    if memories:
        blocks.append(table_of_memory(memories))
    for title, lines in (
            ("Wrong answers", errors), ("Hostile jobs that ended otherwise", strange),
            ("More than after the first slice", [f"{kind}: {first}, most {most}, last {last}"
                                                 for kind, first, most, last in leaks])):
        if lines:
            blocks.append(f"{title}:\n\n" + "\n".join("- " + line for line in lines[:20]))
    blocks.append(table(["measure", "asked", "measured", "result"], [
        [what, asked, measured, "met" if met else "**missed**"]
        for what, asked, measured, met in findings(slices)]))
    return "\n\n".join(blocks)


def as_json(slices, lengths, machine):
    """The single answers stay out: they are many, and the percentiles are there."""
    def summary(each):
        middle, high, highest = judge.percentiles(judge.times(each.honest))
        return {"company": each.company, "seconds": each.seconds, "honest_jobs": len(each.honest),
                "wrong": wrong(each.honest), "p50": middle, "p95": high, "p99": highest,
                "company_jobs": len(each.others), "verdicts": verdicts(each.others),
                "counts": dict(each.census.counts), "kib": each.census.kib,
                "machine": each.machine}
    return {"machine": machine, "slices": [summary(each) for each in slices],
            "lengths": {program: vars(length) for program, length in lengths.items()},
            "findings": [dict(zip(("measure", "asked", "measured", "met"), finding))
                         for finding in findings(slices)]}
