// A share of a processor is the kernel's to enforce, and gone when the job is.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "tests/support/engine_process.h"

using support::EngineProcess;
using support::Json;

namespace {

namespace fs = std::filesystem;

// What the control files for a quota say in the cgroups of an engine, v1 or v2; the period of v2
// is left out.
std::set<std::string> quotas(const std::string& instance) {
    std::set<std::string> found;
    const auto options = fs::directory_options::skip_permission_denied;
    std::error_code error;
    for (fs::recursive_directory_iterator entry("/sys/fs/cgroup", options, error), end;
         !error && entry != end; entry.increment(error)) {
        const auto& path = entry->path();
        const bool is_quota = path.filename() == "cpu.cfs_quota_us" || path.filename() == "cpu.max";
        if (!is_quota || path.native().find(instance) == std::string::npos) continue;
        std::string value;
        if (std::ifstream(path) >> value) found.insert(value);
    }
    return found;
}

// Is busy for a second of the clock, and says what share of it it had a processor.
const std::string busy = R"(
import time
began = time.monotonic()
used = time.process_time()
while time.monotonic() - began < 1.5: pass
print((time.process_time() - used) / (time.monotonic() - began))
)";

Json request(double processors) {
    return {{"language", "python"}, {"code", busy}, {"cpu_limit", processors}};
}

}  // namespace

TEST_CASE("a busy program with half a processor has it half of the time, and its limits stay") {
    const EngineProcess engine({"pool.runners=1", "admission.concurrent_jobs=1"});
    struct Row {
        double limit, most;  // what others leave it is not our business, what is above is
    };
    for (const auto& row : {Row{0.5, 0.65}, Row{0.2, 0.35}}) {
        CAPTURE(row.limit);
        const auto answer = engine.post("/api/v1/execute", request(row.limit).dump()).json();
        CAPTURE(answer.dump());
        REQUIRE(answer["exit_code"] == 0);
        const auto share = std::stod(answer["stdout"].get<std::string>());
        CHECK(share > 0);
        CHECK(share < row.most);
    }
    auto late = request(0.5);
    late["timeout_seconds"] = 1;
    const auto answer = engine.post("/api/v1/execute", late.dump()).json();
    CAPTURE(answer.dump());
    CHECK(answer["timeout"] == true);
    CHECK(answer["execution_time_ms"] >= 1000);
}

TEST_CASE("a quota is taken off with its job") {
    // Every group of the engine is looked at: one that stood ready would have its quota from the
    // start.
    const EngineProcess engine({"pool.runners=1", "admission.concurrent_jobs=1", "warm.parked=0"});
    const auto free = quotas(engine.instance());
    CHECK(engine.post("/api/v1/execute", request(0.5).dump()).json()["exit_code"] == 0);
    CHECK(quotas(engine.instance()) == free);
    CHECK(engine.run("python", "print(1)")["run"]["stdout"] == "1\n");
    CHECK(quotas(engine.instance()) == free);
}
