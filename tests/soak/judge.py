"""From samples and censuses to numbers and findings. Pure; the rules are in README.md."""

import statistics
from dataclasses import dataclass, field

import parts  # noqa: F401
from census import more
from rows import percentile

RATIO = 2.0           # of p99 beside hostile clients to p99 beside honest ones
WARM_UP = 2           # slices that count for memory only as what they are: caches fill
GROWTH = 1.10         # of memory, last quarter to first
GROWTH_KIB = 4 * 1024
LEAST_JOBS = 100      # a p99 of fewer is their maximum


@dataclass
class Slice:
    """One slice: who the company was, what came of both, and the host after it."""

    company: str
    seconds: float
    honest: list
    others: list
    census: object = None
    machine: dict = field(default_factory=dict)


def times(samples, kind=None):
    return [sample.milliseconds for sample in samples if kind in (None, sample.kind)]


def percentiles(values):
    return [percentile(values, fraction) for fraction in (0.50, 0.95, 0.99)]


def honest_of(slices, company):
    return [sample for each in slices if each.company == company for sample in each.honest]


def ratio_of(slices, kind=None, fraction=0.99):
    """Beside hostile clients ÷ beside honest ones, all slices together; NaN without either."""
    beside = [percentile(times(honest_of(slices, company), kind), fraction)
              for company in ("hostile", "honest")]
    return beside[0] / beside[1]


def ratios_of_pairs(slices):
    """The ratio of p99 of each two neighbouring slices: how far it spreads."""
    pairs = zip(slices[0::2], slices[1::2])
    return [percentile(times(two.honest), 0.99) / percentile(times(one.honest), 0.99)
            for one, two in pairs if one.honest and two.honest]


def complaints(slices):
    """(wrong answers to honest jobs, hostile jobs that did not end as they should), as sentences."""
    wrong = [sample.complaint for each in slices for sample in each.honest if sample.complaint]
    strange = []
    for each in slices:
        kept = wrong if each.company == "honest" else strange
        kept += [sample.complaint for sample in each.others if sample.complaint]
    return wrong, strange


def leaks(censuses):
    """Kinds of which more is there after some later slice than after the first: (kind, first,
    most, last)."""
    first = censuses[0]
    found = []
    for kind in sorted({kind for later in censuses[1:] for kind in more(first, later)}):
        counts = [each.counts.get(kind, 0) for each in censuses]
        found.append((kind, counts[0], max(counts), counts[-1]))
    return found


def groups(census):
    """Counts by the word before the colon, for a table that can be read."""
    sums = {}
    for kind, count in census.counts.items():
        group = kind.split(":")[0]
        sums[group] = sums.get(group, 0) + count
    return sums


@dataclass
class Memory:
    """One number of one process over the slices. KiB."""

    name: str
    first: float  # median of the first quarter after warming up
    last: float
    slope: float  # per slice, least squares

    @property
    def allowed(self):
        return self.first * GROWTH + GROWTH_KIB

    @property
    def is_flat(self):
        return self.last <= self.allowed


def slope_of(values):
    if len(values) < 2:
        return 0.0
    return statistics.linear_regression(range(len(values)), values).slope


def memory_of(censuses):
    """Of each process; empty while there are too few slices to tell growing from warming up."""
    warm = censuses[WARM_UP:]
    if len(warm) < 2:
        return []
    quarter = max(len(warm) // 4, 1)
    found = []
    for name in sorted({name for census in warm for name in census.kib}):
        values = [census.kib.get(name, 0) for census in warm]
        found.append(Memory(name, statistics.median(values[:quarter]),
                            statistics.median(values[-quarter:]), slope_of(values)))
    return found
