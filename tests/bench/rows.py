"""From samples to rows.

A sample is one target in one cell in one repetition. Differences and ratios to the raw floor are
taken within a repetition, where both ran within seconds of each other, and their median over the
repetitions is shown with the least and the greatest. Percentiles are of all answers together.
"""

import statistics
from dataclasses import dataclass, field

from bars import judge


def percentile(values, fraction):
    ordered = sorted(values)
    return ordered[round((len(ordered) - 1) * fraction)] if ordered else float("nan")


def median(values):
    return statistics.median(values) if values else float("nan")


@dataclass
class Row:
    """One target in one cell, all repetitions. Times in milliseconds."""

    workload: str
    mode: str
    clients: int
    target: str
    jobs: int
    errors: int
    first_error: str
    raw_errors: int
    raw_p50: float
    raw_tail: float  # the floor's own p99 ÷ p50: what the machine allows
    p50: float
    p95: float
    p99: float
    difference: float
    difference_spread: tuple
    ratio: float
    throughput: float  # jobs/s ÷ raw's
    bars: list = field(default_factory=list)

    @property
    def tail(self):
        return self.p99 / self.p50


def make_row(cell, target, ours, raws):
    raw = {sample["repetition"]: sample for sample in raws}
    pairs = [(sample, raw[sample["repetition"]]) for sample in ours]
    pairs = [(sample, floor) for sample, floor in pairs if sample["jobs"] and floor["jobs"]]
    answers = [took for sample in ours for took in sample["milliseconds"]]
    floors = [took for sample in raws for took in sample["milliseconds"]]
    differences = [sample["p50"] - floor["p50"] for sample, floor in pairs]
    return Row(
        workload=cell.workload.name, mode=cell.mode, clients=cell.clients, target=target,
        jobs=len(answers), errors=sum(sample["errors"] for sample in ours),
        first_error=next((s["first_error"] for s in ours if s["errors"]), ""),
        raw_errors=sum(sample["errors"] for sample in raws),
        raw_p50=percentile(floors, 0.50),
        raw_tail=percentile(floors, 0.99) / percentile(floors, 0.50),
        p50=percentile(answers, 0.50), p95=percentile(answers, 0.95), p99=percentile(answers, 0.99),
        difference=median(differences),
        difference_spread=(min(differences, default=float("nan")),
                           max(differences, default=float("nan"))),
        ratio=median([sample["p50"] / floor["p50"] for sample, floor in pairs]),
        throughput=median([s["jobs_per_second"] / f["jobs_per_second"] for s, f in pairs]))


def make_rows(cells, targets, samples):
    """One row per cell and target other than the floor, which is the first target."""
    chosen = {}
    for sample in samples:
        chosen.setdefault((sample["cell"], sample["target"]), []).append(sample)
    rows = []
    for target in targets[1:]:
        for cell in cells:
            row = make_row(cell, target.name, chosen[cell.name, target.name],
                           chosen[cell.name, targets[0].name])
            if target.is_ours:
                judge(row, cell)
            rows.append(row)
    return rows
