"""Rows and facts as Markdown and as JSON."""

from dataclasses import asdict


def verdict(bars):
    """Two cells of a table: what was asked, and how it went."""
    asked = "; ".join(bar["bar"] for bar in bars)
    went = "; ".join(f"{'met' if bar['met'] else '**missed**'} ({bar['measured']})" for bar in bars)
    return asked, went


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def table_of_rows(name, rows):
    header = ["workload", "mode", "c", "raw p50", f"{name} p50", "p95", "p99", "difference ms",
              "÷ raw", "jobs/s ÷ raw", "jobs", "errors", "bar", "result"]
    return table(header, [
        [row.workload, row.mode, str(row.clients), f"{row.raw_p50:.2f}", f"{row.p50:.2f}",
         f"{row.p95:.2f}", f"{row.p99:.2f}",
         "{:+.2f} ({:+.2f} … {:+.2f})".format(row.difference, *row.difference_spread),
         f"{row.ratio:.2f}", f"{row.throughput:.2f}", str(row.jobs),
         str(row.errors + row.raw_errors), *verdict(row.bars)]
        for row in rows])


def table_of_facts(facts):
    return table(["measure", "value", "bar", "result"], [
        [fact["measure"], fact["value"], *verdict(fact["bars"])] for fact in facts])


def markdown(rows, facts, machine):
    parts = [f"Machine: {machine}"]
    for name in dict.fromkeys(row.target for row in rows):
        parts.append(table_of_rows(name, [row for row in rows if row.target == name]))
    if facts:
        parts.append(table_of_facts(facts))
    failed = [f"- {row.target}, {row.workload}, {row.mode}, {row.clients}: {row.first_error}"
              for row in rows if row.errors]
    if failed:
        parts.append("First error of each row that had any:\n\n" + "\n".join(failed))
    return "\n\n".join(parts)


def without_nan(record):
    """JSON has no NaN; what was not measured is null."""
    return {key: None if value != value else value for key, value in record.items()}


def as_json(rows, facts, machine, samples):
    """For --json. The single answers stay out: they are many, and the percentiles are there."""
    return {"machine": machine, "rows": [without_nan(asdict(row)) for row in rows], "facts": facts,
            "samples": [{key: value for key, value in sample.items() if key != "milliseconds"}
                        for sample in samples]}


def all_is_well(rows, facts):
    bars = [bar for row in rows for bar in row.bars] + [bar for fact in facts for bar in fact["bars"]]
    return all(bar["met"] for bar in bars) and not any(row.errors + row.raw_errors for row in rows)
