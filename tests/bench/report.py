"""Rows and facts as Markdown and as JSON."""

import math
from dataclasses import asdict


def verdict(bars):
    """Two cells of a table: what was asked, and how it went."""
    asked = "; ".join(bar["bar"] for bar in bars)
    went = "; ".join(f"{'met' if bar['met'] else '**missed**'} ({bar['measured']})" for bar in bars)
    return asked, went


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def number(value):
    return "–" if math.isnan(value) else f"{value:.2f}"


def difference(row):
    if math.isnan(row.difference):
        return "–"
    return "{:+.2f} ({:+.2f} … {:+.2f})".format(row.difference, *row.difference_spread)


def table_of_rows(name, rows):
    header = ["workload", "mode", "c", "raw p50", f"{name} p50", "p95", "p99", "difference ms",
              "÷ raw", "jobs/s ÷ raw", "jobs", "errors", "bar", "result"]
    return table(header, [
        [row.workload, row.mode, str(row.clients), number(row.raw_p50), number(row.p50),
         number(row.p95), number(row.p99), difference(row), number(row.ratio),
         number(row.throughput), str(row.jobs), str(row.errors + row.raw_errors),
         *verdict(row.bars)]
        for row in rows])


def table_of_facts(facts):
    return table(["measure", "value", "bar", "result"], [
        [fact["measure"], fact["value"], *verdict(fact["bars"])] for fact in facts])


def table_of_warm_rows(rows):
    header = ["program", "mode", "c", "bare p50", "cold p50", "warm p50", "warm p99", "p50 ÷ bare",
              "p99 ÷ bare p50", "jobs/s ÷ bare", "jobs/s ÷ cold", "found ready", "jobs", "errors",
              "bar", "result"]
    return table(header, [
        [row.workload, row.mode, str(row.clients), number(row.bare_p50), number(row.cold_p50),
         number(row.p50), number(row.p99), number(row.ratio), number(row.tail),
         number(row.to_bare), number(row.to_cold), f"{100 * row.share:.0f} %", str(row.jobs),
         str(row.errors + row.raw_errors), *verdict(row.bars)]
        for row in rows])


def first_errors(rows):
    return [f"- {row.target}, {row.workload}, {row.mode}, {row.clients}: {row.first_error}"
            for row in rows if row.errors]


def markdown(rows, warm_rows, facts, machine):
    parts = [f"Machine: {machine}"]
    for name in dict.fromkeys(row.target for row in rows):
        parts.append(table_of_rows(name, [row for row in rows if row.target == name]))
    if warm_rows:
        parts.append(table_of_warm_rows(warm_rows))
    if facts:
        parts.append(table_of_facts(facts))
    failed = first_errors([*rows, *warm_rows])
    if failed:
        parts.append("First error of each row that had any:\n\n" + "\n".join(failed))
    return "\n\n".join(parts)


def without_nan(value):
    """JSON has no NaN; what was not measured is null."""
    if isinstance(value, dict):
        return {key: without_nan(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_nan(member) for member in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def as_json(rows, warm_rows, facts, machine, samples):
    """For --json. The single answers stay out: they are many, and the percentiles are there."""
    return {"machine": machine, "rows": [without_nan(asdict(row)) for row in rows], "facts": facts,
            "warm": [without_nan(asdict(row)) for row in warm_rows],
            "samples": [{key: value for key, value in sample.items() if key != "milliseconds"}
                        for sample in samples]}


def all_is_well(rows, facts):
    bars = [row.bars for row in rows] + [fact["bars"] for fact in facts]
    right = not any(row.errors + row.raw_errors for row in rows)
    return right and all(bar["met"] for each in bars for bar in each)
