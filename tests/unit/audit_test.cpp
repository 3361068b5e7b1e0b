#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "api/audit/file.h"
#include "api/audit/line.h"
#include "api/audit/log.h"
#include "isolate/sys/file.h"

using nlohmann::json;
using std::chrono::microseconds;
namespace fs = std::filesystem;

namespace {

const audit::Time noon{std::chrono::milliseconds{1'763'726'400'123}};

engine::Job job_with(std::vector<engine::File> files) {
    auto runtime = std::make_shared<engine::Runtime>();
    runtime->language = "python";
    runtime->version = "3.11.2";
    engine::Job job;
    job.id = "4f2a";
    job.runtime = std::move(runtime);
    job.files = std::move(files);
    return job;
}

engine::JobEnd passed(const engine::Job& job) {
    engine::JobEnd end{.result = {.runtime = job.runtime, .compile = {}, .run = {}, .queued = {}}};
    end.result.run.emplace();
    end.result.run->exit_code = 0;
    end.result.run->wall_time = microseconds{1500};
    end.result.run->memory = config::Bytes{4096};
    end.took = microseconds{2000};
    return end;
}

// A directory that goes when this does.
struct Place {
    Place() { fs::create_directories(path); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { fs::remove_all(path); }

    const std::string path =
        (fs::temp_directory_path() / ("crankcase-audit-" + std::to_string(::getpid()))).string();
    const std::string file = path + "/audit.jsonl";

    std::vector<std::string> lines() const { return lines_of(file); }
    static std::vector<std::string> lines_of(const std::string& name) {
        std::vector<std::string> lines;
        std::ifstream in{name};
        for (std::string line; std::getline(in, line);) lines.push_back(line);
        return lines;
    }
};

}  // namespace

TEST_CASE("a line tells who ran what and what came of it, and nothing of what was in it") {
    auto job = job_with({{.name = "main.py", .content = "print(1)", .is_code = true},
                         {.name = "data", .content = "secret", .is_code = false}});
    job.asker = {.client = "192.0.2.1", .key = "alice"};
    job.waited = microseconds{500};
    job.arguments = {"argument"};
    job.stdin_text = "input";
    auto end = passed(job);
    end.result.run->output.out = "output";
    const auto line = audit::line_of(job, end, noon);
    CHECK(
        line ==
        R"({"time":"2025-11-21T12:00:00.123Z","id":"4f2a","client":"192.0.2.1","key":"alice",)"
        R"("runtime":"python-3.11.2",)"
        R"("code":"sha256:d287bb7f9d15abdc5b6e98536263815744b6ef21c8f3c839fc434ca70d8efe99","files":[)"
        R"({"name":"main.py","bytes":8},{"name":"data","bytes":6}],"verdict":"passed",)"
        R"("run":{"verdict":"passed","code":0,"signal":null,"wall_ms":1.500,"cpu_ms":0.000,)"
        R"("memory":4096},"queued_ms":0.500,"duration_ms":2.500})"
        "\n");
    for (const std::string word : {"print", "secret", "argument", "input", "output"})
        CHECK(line.find(word) == std::string::npos);
}

TEST_CASE("whatever a name consists of, a line is one line of valid JSON") {
    struct Row {
        std::string name, file, told;
    };
    const std::string replaced = "\xef\xbf\xbd";
    for (const Row& row :
         {Row{"a line end", "a\nb", "a\nb"}, Row{"quotes", "\"},{\"id\":\"", "\"},{\"id\":\""},
          Row{"a carriage return", "a\r", "a\r"},
          Row{"a NUL", std::string{"a\0b", 3}, std::string{"a\0b", 3}},
          Row{"a backslash", "\\u0000\\", "\\u0000\\"}, Row{"an escape", "\x1b[2J", "\x1b[2J"},
          Row{"invalid UTF-8", "a\xff", "a" + replaced},
          Row{"half a character", "\xe2\x82", replaced},
          Row{"a surrogate", "\xed\xa0\x80", replaced + replaced + replaced}}) {
        CAPTURE(row.name);
        auto job = job_with({{.name = row.file, .content = "x", .is_code = true}});
        job.id = job.asker.client = job.asker.key = row.file;
        const auto line = audit::line_of(job, passed(job), noon);
        CHECK(line.find('\n') == line.size() - 1);
        for (const char c : line.substr(0, line.size() - 1))
            CHECK(static_cast<unsigned char>(c) >= ' ');
        const auto parsed = json::parse(line, nullptr, false);
        REQUIRE(parsed.is_object());
        CHECK(parsed["files"][0]["name"] == row.told);
        CHECK(parsed["id"] == row.told);
        CHECK(parsed["client"] == row.told);
        CHECK(parsed["key"] == row.told);
    }
}

TEST_CASE("a line has a bound, however many files a job has") {
    std::vector<engine::File> files(
        engine::max_files,
        {.name = std::string(engine::max_file_name_bytes, '\x01'), .content = "", .is_code = true});
    const auto job = job_with(files);
    const auto line = audit::line_of(job, passed(job), noon);
    CHECK(line.size() < 512 * 1024);
    const auto parsed = json::parse(line);
    CHECK(parsed["files"].size() == audit::most_files);
    CHECK(parsed["more_files"] == engine::max_files - audit::most_files);
}

TEST_CASE("a job without a result has a line that says so") {
    const auto job = job_with({});
    engine::JobEnd end{.result = {.runtime = job.runtime, .compile = {}, .run = {}, .queued = {}}};
    end.trouble = sys::Kind::broken;
    const auto parsed = json::parse(audit::line_of(job, end, noon));
    CHECK(parsed["verdict"] == "broken");
    CHECK_FALSE(parsed.contains("run"));
    CHECK(parsed["client"].is_null());
    CHECK(parsed["key"].is_null());
}

TEST_CASE("what an earlier process left half written is ended and stays one bad line") {
    const Place place;
    std::ofstream(place.file) << "{\"id\":\"whole\"}\n{\"id\":\"ha";
    audit::File file{place.file};
    CHECK(file.append("{\"id\":\"next\"}\n") == 0);
    const auto lines = place.lines();
    REQUIRE(lines.size() == 3);
    CHECK(lines[1] == "{\"id\":\"ha");
    CHECK(json::parse(lines[2])["id"] == "next");

    const audit::File again{place.file};
    CHECK(place.lines().size() == 3);
}

TEST_CASE("a directory and a FIFO are no file to write to") {
    const Place place;
    CHECK_THROWS_AS(audit::File{place.path}, sys::Error);
    REQUIRE(::mkfifo(place.file.c_str(), 0600) == 0);
    CHECK_THROWS_AS(audit::File{place.file}, sys::Error);
}

TEST_CASE("root gives away the file it makes, and none that is there already") {
    const Place place;
    const auto uid = ::getuid();
    audit::make_file_for(uid, ::getgid(), place.file);
    struct stat status {};
    REQUIRE(::stat(place.file.c_str(), &status) == 0);
    CHECK(status.st_uid == uid);
    CHECK((status.st_mode & 07) == 0);
    fs::remove(place.file);
    fs::create_symlink("/nowhere/at/all", place.file);
    audit::make_file_for(uid, ::getgid(), place.file);
    CHECK(fs::is_symlink(place.file));
}

TEST_CASE("lines of many threads are whole, and each is there once") {
    for (const auto sync : {config::AuditSync::no, config::AuditSync::second}) {
        const Place place;
        {
            audit::Log log{{.file = place.file, .sync = sync}};
            std::vector<std::jthread> threads;
            for (int t = 0; t < 4; ++t) {
                threads.emplace_back([&log, t] {
                    for (int i = 0; i < 100; ++i) {
                        auto job = job_with({});
                        job.id = std::to_string(t * 100 + i);
                        log.record(job, passed(job));
                    }
                });
            }
            threads.clear();
            CHECK(log.counts() == audit::Counts{.written = 400, .lost = 0});
        }
        std::vector<int> seen(400);
        for (const auto& line : place.lines())
            ++seen.at(
                static_cast<std::size_t>(std::stoi(json::parse(line)["id"].get<std::string>())));
        CHECK(seen == std::vector<int>(400, 1));
    }
}

TEST_CASE("after a reopen lines go to a new file, and what was written stays where it is") {
    const Place place;
    audit::Log log{{.file = place.file}};
    const auto job = job_with({});
    log.record(job, passed(job));
    fs::rename(place.file, place.file + ".1");
    log.record(job, passed(job));
    log.reopen();
    log.record(job, passed(job));
    CHECK(Place::lines_of(place.file + ".1").size() == 2);
    CHECK(place.lines().size() == 1);

    fs::remove(place.file);
    fs::create_directory(place.file);
    log.reopen();
    log.record(job, passed(job));
    CHECK(log.counts() == audit::Counts{.written = 4, .lost = 0});
}

TEST_CASE("on a full disk lines are counted as lost, and jobs go on unless the line is required") {
    const auto job = job_with({});
    audit::Log log{{.file = "/dev/full"}};
    log.admit();
    log.record(job, passed(job));
    log.record(job, passed(job));
    CHECK(log.counts() == audit::Counts{.written = 0, .lost = 2});

    audit::Log strict{{.file = "/dev/full", .required = true}};
    strict.admit();
    CHECK_THROWS_AS(strict.record(job, passed(job)), engine::Unavailable);
    CHECK_THROWS_AS(strict.admit(), engine::Unavailable);
    CHECK(strict.counts() == audit::Counts{.written = 0, .lost = 1});
}

TEST_CASE("when there is room again the first line says how many are missing") {
    const Place place;
    fs::create_symlink("/dev/full", place.file);
    audit::Log log{{.file = place.file, .required = true}};
    const auto job = job_with({});
    CHECK_THROWS_AS(log.record(job, passed(job)), engine::Unavailable);
    fs::remove(place.file);
    log.reopen();
    log.admit();
    log.record(job, passed(job));
    const auto lines = place.lines();
    REQUIRE(lines.size() == 2);
    CHECK(json::parse(lines[0])["lost"] == 1);
    CHECK(json::parse(lines[1])["id"] == "4f2a");
}

TEST_CASE("without a file nothing is asked and nothing is written") {
    audit::Log log{config::Audit{.required = true}};
    const auto job = job_with({});
    log.admit();
    log.record(job, passed(job));
    log.reopen();
    CHECK(log.counts() == audit::Counts{});
}
