// test: runs the programs a package brings as its proof, on the running engine.
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <nlohmann/json.hpp>

#include "api/cli/commands.h"
#include "api/cli/self_test.h"
#include "api/cli/session.h"
#include "api/cli/table.h"
#include "api/cli/text.h"
#include "isolate/sys/error.h"
#include "packages/version.h"

namespace cli {

namespace {

using Json = nlohmann::ordered_json;
using packages::Provided;
using packages::Record;

struct Result {
    std::string package, version, language, test;
    Judgement judgement;
    std::string untested;  // the reason, if there is no such test
};

// Sleeps, or throws if it was told to stop.
void pause(std::chrono::milliseconds time, const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock{mutex};
    wake.wait_for(lock, stop, time, [] { return false; });
    if (stop.stop_requested()) throw sys::Error(sys::Kind::busy, "stopped");
}

bool is_listed(const Rest& engine, const std::string& language, const std::string& version,
               const std::stop_token& stop) {
    const auto answer = engine.get("/api/v2/runtimes", stop);
    throw_unless_good(answer);
    const auto json = Json::parse(answer.body, nullptr, false);
    if (!json.is_array()) throw sys::Error(sys::Kind::broken, "the engine's runtimes are no list");
    return std::ranges::any_of(json, [&](const Json& entry) {
        return entry.is_object() && entry.value("language", Json{}) == language &&
               entry.value("version", Json{}) == version;
    });
}

// An engine hears of new packages within milliseconds; their last step, if they have one, may take
// it half a minute.
bool wait_for_runtime(const Rest& engine, const Record& record, const Provided& provided,
                      const std::stop_token& stop) {
    const auto patience = std::chrono::seconds{record.pending_setup.empty() ? 3 : 60};
    const auto give_up = std::chrono::steady_clock::now() + patience;
    while (!is_listed(engine, provided.language, record.version, stop)) {
        if (std::chrono::steady_clock::now() > give_up) return false;
        pause(std::chrono::milliseconds{100}, stop);
    }
    return true;
}

// With others' jobs in the queue there may be no room for a moment.
Answer execute(const Rest& engine, const std::string& request, const std::stop_token& stop) {
    constexpr int tries = 50;
    for (int i = 1;; ++i) {
        auto answer = engine.post("/api/v2/execute", request, stop);
        if (answer.status != 429 || i == tries) return answer;
        pause(std::chrono::milliseconds{200}, stop);
    }
}

class Tester {
public:
    explicit Tester(Session& session)
        : session_(session), engine_(session.engine()), stop_(session.stop()) {}

    std::vector<Result> test(const Record& record) {
        std::vector<Result> results;
        for (const auto& provided : record.provides) test(record, provided, results);
        return results;
    }

private:
    void test(const Record& record, const Provided& provided, std::vector<Result>& results) {
        const auto result_of = [&](const std::string& name) {
            return Result{record.name, record.version, provided.language, name, {}, {}};
        };
        const bool listed = wait_for_runtime(engine_, record, provided, stop_);
        for (const auto& own : provided.tests) {
            auto result = result_of(own.name);
            if (listed) {
                const auto answer =
                    execute(engine_, request_of(provided, record.version, own), stop_);
                result.judgement = judge(own, answer.status, answer.body);
            } else {
                result.judgement.why = "the engine at " + engine_.base() + " does not list it";
            }
            results.push_back(std::move(result));
        }
        for (const auto& [name, reason] : provided.untested) {
            auto result = result_of(name);
            result.untested = reason;
            results.push_back(std::move(result));
        }
    }

    Session& session_;
    Rest engine_;
    std::stop_token stop_;
};

std::string milliseconds(double time) {
    char text[32];
    std::snprintf(text, sizeof text, "%.0f ms", time);
    return text;
}

std::vector<Cell> row_of(const Result& result) {
    const auto runtime = result.language + " " + result.version;
    if (!result.untested.empty())
        return {
            {runtime}, {result.test}, {"untested", Tint::dim}, {}, {result.untested, Tint::dim}};
    const auto& judgement = result.judgement;
    if (!judgement.passed)
        return {{runtime}, {result.test}, {"failed", Tint::red}, {}, {judgement.why}};
    return {
        {runtime}, {result.test}, {"passed", Tint::green}, {milliseconds(judgement.wall_ms)}, {}};
}

std::string table_text(const std::vector<Result>& results, const Terminal& terminal) {
    Table table{.columns = {{"RUNTIME"}, {"TEST"}, {"RESULT"}, {"TIME", Side::right}, {"REASON"}},
                .rows = {}};
    for (const auto& result : results) table.rows.push_back(row_of(result));
    // Reasons are what one looks for: they are not cut.
    return render(table, 0, terminal.colours);
}

std::string json_text(const std::vector<Result>& results) {
    auto json = Json::array();
    for (const auto& result : results) {
        const bool tested = result.untested.empty();
        json.push_back({{"package", result.package},
                        {"version", result.version},
                        {"language", result.language},
                        {"test", result.test},
                        {"passed", tested ? Json(result.judgement.passed) : Json{}},
                        {"reason", tested ? result.judgement.why : result.untested},
                        {"wall_ms", result.judgement.wall_ms}});
    }
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::vector<Record> chosen(Local& local, const std::vector<std::string>& names) {
    const auto records = local.store().installed();
    std::vector<Record> result;
    for (const auto& request : requests_of(names)) {
        const auto range = packages::parse_range(request.range);
        const auto* record = range ? packages::newest(records, request.name, *range) : nullptr;
        if (!record) throw Failure(ExitCode::not_found, text_of(request) + " is not installed");
        result.push_back(*record);
    }
    return result;
}

}  // namespace

ExitCode test(Session& session, const TestOptions& options) {
    const auto records = chosen(session.local(), options.names);
    Tester tester{session};
    std::vector<Result> results;
    for (const auto& record : records) {
        for (auto& result : tester.test(record)) results.push_back(std::move(result));
    }
    session.print(options.json ? json_text(results) : table_text(results, session.terminal()));
    const auto failed = std::ranges::count_if(results, [](const Result& result) {
        return result.untested.empty() && !result.judgement.passed;
    });
    const auto passed = std::ranges::count_if(
        results, [](const Result& result) { return result.judgement.passed; });
    if (failed > 0) {
        throw Failure(ExitCode::failed, std::to_string(failed) + " of " +
                                            std::to_string(failed + passed) + " self-tests failed");
    }
    if (passed == 0) throw Failure(ExitCode::failed, "there is no self-test that could pass");
    return ExitCode::done;
}

}  // namespace cli
