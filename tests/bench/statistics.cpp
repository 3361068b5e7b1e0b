#include "tests/bench/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace bench {

double percentile(const std::vector<double>& sorted, double fraction) {
    if (sorted.empty()) return 0;
    const auto last = static_cast<double>(sorted.size() - 1);
    return sorted[static_cast<std::size_t>(std::lround(last * fraction))];
}

Summary summarise(std::vector<double> milliseconds) {
    if (milliseconds.empty()) return {};
    std::sort(milliseconds.begin(), milliseconds.end());
    const double sum = std::accumulate(milliseconds.begin(), milliseconds.end(), 0.0);
    return {.jobs = milliseconds.size(),
            .mean = sum / static_cast<double>(milliseconds.size()),
            .least = milliseconds.front(),
            .p50 = percentile(milliseconds, 0.50),
            .p95 = percentile(milliseconds, 0.95),
            .p99 = percentile(milliseconds, 0.99),
            .most = milliseconds.back()};
}

}  // namespace bench
