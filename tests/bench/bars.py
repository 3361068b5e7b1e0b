"""What the engine has to reach, and in which rows it is asked for."""

from collections.abc import Callable
from dataclasses import dataclass

from workloads import BUSY, IDLE, WORKLOADS

ALL = tuple(WORKLOADS)


@dataclass(frozen=True)
class Bar:
    text: str
    workloads: tuple
    modes: tuple
    clients: tuple
    met: Callable
    shown: Callable

    def applies(self, cell):
        return (cell.workload.name in self.workloads and cell.mode in self.modes
                and cell.clients in self.clients)


BARS = (
    Bar("median ≤ raw + 2.5 ms", ("echo", "python"), (BUSY, IDLE), (1,),
        lambda row: row.difference <= 2.5, lambda row: f"{row.difference:+.2f}"),
    Bar("median ≤ raw + 6 ms", ("c",), (BUSY, IDLE), (1,),
        lambda row: row.difference <= 6, lambda row: f"{row.difference:+.2f}"),
    Bar("jobs/s ≥ 0.85 × raw", ("python",), (BUSY,), (2,),
        lambda row: row.throughput >= 0.85, lambda row: f"{row.throughput:.2f}"),
    Bar("median ≤ 2 × raw", ("io_1m",), (BUSY, IDLE), (1, 2, 8),
        lambda row: row.ratio <= 2, lambda row: f"{row.ratio:.2f}"),
    Bar("p99 < 3 × median", ALL, (BUSY,), (8,),
        lambda row: row.tail < 3, lambda row: f"{row.tail:.2f}, raw {row.raw_tail:.2f}"),
)


def judge(row, cell):
    """Writes into the row what was asked of it. A row with a failed answer meets no bar."""
    for bar in BARS:
        if bar.applies(cell):
            met = row.jobs > 0 and row.errors == 0 and row.raw_errors == 0 and bar.met(row)
            measured = bar.shown(row) if row.jobs else "no answer"
            row.bars.append({"bar": bar.text, "measured": measured, "met": bool(met)})
