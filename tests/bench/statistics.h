// The few numbers that describe a slice of measuring: how many jobs, how long they took.
#pragma once

#include <cstddef>
#include <vector>

namespace bench {

// Milliseconds; all zero if there was no job.
struct Summary {
    std::size_t jobs = 0;
    double mean = 0;
    double least = 0;
    double p50 = 0;
    double p95 = 0;
    double p99 = 0;
    double most = 0;

    bool operator==(const Summary&) const = default;
};

// The value at a fraction of the way through a sorted list, at the nearest rank: always a value
// that was measured. 0 for an empty list.
double percentile(const std::vector<double>& sorted, double fraction);

Summary summarise(std::vector<double> milliseconds);

}  // namespace bench
