#include "engine/compile_cache.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "isolate/sys/file.h"
#include "tests/support/mutation.h"

using engine::CompileCache;
using engine::KeptCompile;
using engine::Piece;
using engine::Stream;
using engine::Verdict;

namespace {

namespace fs = std::filesystem;

struct Place {
    std::string path;

    Place() {
        char name[] = "/tmp/crankcase-compiled-XXXXXX";
        path = ::mkdtemp(name);
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { fs::remove_all(path); }

    std::string cache() const { return path + "/compiled"; }
    std::string file(const std::string& key) const { return cache() + "/" + key; }
};

std::string key(char digit) {
    std::string text(64, digit);
    return text;
}

KeptCompile kept(std::size_t size = 100) {
    return {.exit_code = 0,
            .wall_time = std::chrono::microseconds{40'000},
            .cpu_time = std::chrono::microseconds{30'000},
            .memory = {1 << 20},
            .output = {{Stream::err, "a warning\n"}, {Stream::out, std::string{"a\0b", 3}}},
            .tree = {{isolate::EntryKind::directory, "src", ""},
                     {isolate::EntryKind::file, "src/main.c", "int main(void) {}"},
                     {isolate::EntryKind::program, "a.out", std::string(size, '\177')},
                     {isolate::EntryKind::link, "link", "a.out"}}};
}

KeptCompile failed() {
    return {.exit_code = 1, .output = {{Stream::err, "no\n"}}, .tree = {}};
}

config::Compile room(std::uint64_t bytes) {
    return {.cache = {bytes}, .cache_entry = {bytes}};
}

void overwrite(const std::string& path, const std::string& bytes) {
    std::ofstream{path, std::ios::binary | std::ios::trunc} << bytes;
}

}  // namespace

TEST_CASE("what was kept is read back as it was, and nothing else is read") {
    for (const auto& one : {kept(), failed(), KeptCompile{}}) {
        const auto bytes = engine::write_kept(one);
        CHECK(engine::read_kept(bytes) == one);
        CHECK_FALSE(engine::read_kept(bytes + "x"));
        for (std::size_t length = 0; length < bytes.size(); ++length)
            CHECK_FALSE(engine::read_kept(bytes.substr(0, length)));
    }
    auto odd = failed();
    odd.tree = kept().tree;
    CHECK_FALSE(engine::read_kept(engine::write_kept(odd)));
    odd = failed();
    odd.exit_code = 256;
    CHECK_FALSE(engine::read_kept(engine::write_kept(odd)));
}

TEST_CASE("damage to a kept file is found out, and its bytes are never believed") {
    std::mt19937 random{20261122};
    constexpr std::string_view telling{"\0\1\377\4", 4};
    const auto name = key('a');
    const auto content = engine::write_kept(kept());
    const auto whole = engine::seal(name, content) + content;
    REQUIRE(engine::unsealed(name, whole) == kept());
    CHECK_FALSE(engine::unsealed(key('b'), whole));
    for (int round = 0; round < 10'000; ++round) {
        const auto damaged = support::mutated(whole, telling, random);
        if (damaged != whole) CHECK_FALSE(engine::unsealed(name, damaged));
        // What would come of it if the digest were right.
        const auto bytes = support::mutated(content, telling, random);
        const auto read = engine::read_kept(bytes);
        if (read) CHECK(engine::read_kept(engine::write_kept(*read)) == read);
    }
}

TEST_CASE("what is kept is found again, also by the next process, and only its owner may look") {
    const Place place;
    {
        CompileCache cache{place.cache(), {}};
        CHECK_FALSE(cache.find(key('a')));
        cache.store(key('a'), kept());
        cache.store(key('b'), failed());
        CHECK(cache.find(key('a')) == kept());
    }
    CompileCache cache{place.cache(), {}};
    CHECK(cache.find(key('a')) == kept());
    CHECK(cache.find(key('b')) == failed());
    const auto counts = cache.counts();
    CHECK(counts.hits == 2);
    CHECK(counts.misses == 0);
    CHECK(counts.entries == 2);
    struct stat status {};
    REQUIRE(::stat(place.file(key('a')).c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);
    REQUIRE(::stat(place.cache().c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0700);
}

TEST_CASE("a file that is torn, foreign, under another name or gone is a miss, and removed") {
    const Place place;
    CompileCache cache{place.cache(), {}};
    const auto good = [&] {
        cache.store(key('a'), kept());
        return sys::read_file(place.file(key('a')));
    }();
    cache.store(key('b'), failed());
    const auto other = sys::read_file(place.file(key('b')));
    for (const auto& bytes : {std::string{}, std::string{"foreign"},
                              good.substr(0, good.size() / 2), good + "x", other}) {
        cache.store(key('a'), kept());
        overwrite(place.file(key('a')), bytes);
        CHECK_FALSE(cache.find(key('a')));
        CHECK_FALSE(fs::exists(place.file(key('a'))));
    }
    cache.store(key('a'), kept());
    fs::remove(place.file(key('a')));
    CHECK_FALSE(cache.find(key('a')));
    cache.store(key('a'), kept());
    CHECK(cache.find(key('a')) == kept());
}

TEST_CASE("what a killed engine left half written and what is not its own goes at the next start") {
    const Place place;
    CompileCache{place.cache(), {}}.store(key('a'), kept());
    overwrite(place.file("new-1-1"), "half");
    overwrite(place.file("notes.txt"), "hello");
    fs::create_symlink("/etc/passwd", place.file(key('c')));
    CompileCache cache{place.cache(), {}};
    CHECK(cache.find(key('a')));
    CHECK_FALSE(cache.find(key('c')));
    CHECK(std::distance(fs::directory_iterator{place.cache()}, fs::directory_iterator{}) == 1);
    CHECK(fs::exists("/etc/passwd"));
}

TEST_CASE(
    "a full cache gives up what nobody has asked for the longest, and never exceeds its bound") {
    const Place place;
    constexpr std::uint64_t most = 64 * 1024;
    {
        CompileCache cache{place.cache(), room(most)};
        for (const char name : {'a', 'b', 'c'}) cache.store(key(name), kept(14'000));
        CHECK(cache.find(key('a')));
        cache.store(key('d'), kept(14'000));
        CHECK(cache.counts().evicted == 1);
        CHECK_FALSE(cache.find(key('b')));
        CHECK(cache.find(key('a')));
        for (const char name : {'0', '1', '2', '3', '4', '5', '6'}) {
            cache.store(key(name), kept(9'000));
            CHECK(cache.counts().bytes <= most);
        }
        CHECK(cache.find(key('6')));
        std::uint64_t on_disk = 0;
        for (const auto& entry : fs::directory_iterator{place.cache()})
            on_disk += entry.file_size();
        CHECK(on_disk <= most);
        cache.store(key('f'), kept(most));
        CHECK_FALSE(cache.find(key('f')));
    }
    // And if the bound has become smaller, or is none any more.
    CHECK(CompileCache(place.cache(), room(most / 2)).counts().bytes <= most / 2);
    const CompileCache none{place.cache(), room(0)};
    CHECK(fs::is_empty(place.cache()));
}

TEST_CASE("one key takes the room of one, however often it is kept") {
    const Place place;
    CompileCache cache{place.cache(), {}};
    cache.store(key('a'), kept());
    const auto once = cache.counts();
    cache.store(key('a'), kept());
    CHECK(cache.counts().bytes == once.bytes);
    CHECK(cache.counts().entries == 1);
    CHECK(cache.counts().stored == 2);
}

TEST_CASE("without a directory to write to nothing is kept, and nobody is troubled") {
    CompileCache cache{"/proc/compiled", {}};
    cache.store(key('a'), kept());
    CHECK_FALSE(cache.find(key('a')));
}

TEST_CASE("only what a compile stage would come to again is kept") {
    const auto ended = [](Verdict verdict, std::optional<int> code, std::optional<int> signal) {
        engine::StageResult stage;
        stage.verdict = verdict;
        stage.exit_code = code;
        stage.signal = signal;
        return stage;
    };
    const std::vector<Piece> nothing;
    CHECK(is_repeatable(ended(Verdict::passed, 0, {}), nothing));
    CHECK(is_repeatable(ended(Verdict::failed, 1, {}), {{Stream::err, "error: expected ';'"}}));
    CHECK_FALSE(is_repeatable(
        ended(Verdict::failed, 1, {}),
        {{Stream::out, "x"}, {Stream::err, "g++: fatal error: Killed signal terminated"}}));
    CHECK_FALSE(is_repeatable(ended(Verdict::signaled, {}, 11), nothing));
    for (const auto verdict :
         {Verdict::wall_timed_out, Verdict::cpu_timed_out, Verdict::out_of_memory,
          Verdict::too_much_stdout, Verdict::too_much_stderr, Verdict::canceled})
        CHECK_FALSE(is_repeatable(ended(verdict, 1, {}), nothing));
    auto not_found = ended(Verdict::failed, 127, {});
    not_found.message = "gcc: No such file or directory";
    CHECK_FALSE(is_repeatable(not_found, nothing));
}

TEST_CASE("what was kept is told as the stage was: pieces, order, usage, end") {
    struct Told : engine::Events {
        std::string text{};
        void stage_started(engine::Stage) override { text += "["; }
        void output(engine::Stage, Stream stream, std::string_view bytes) override {
            text += stream == Stream::out ? "out:" : "err:";
            text += bytes;
        }
        void stage_ended(engine::Stage, const engine::StageResult& result) override {
            text += "]" + std::to_string(result.exit_code.value());
        }
    };
    Told first;
    engine::Recorder recorder{first};
    recorder.output(engine::Stage::compile, Stream::err, "a");
    recorder.output(engine::Stage::compile, Stream::err, "b");
    recorder.output(engine::Stage::compile, Stream::out, "c");
    recorder.output(engine::Stage::run, Stream::out, "not this");
    auto one = failed();
    one.output = recorder.written();
    Told again;
    engine::Job job;
    auto result = engine::retell(one, job, again);
    CHECK(again.text == "[err:about:c]1");
    CHECK(result.output.both == "abc");
    CHECK(result.verdict == Verdict::failed);
    CHECK(result.was_kept);
    job.keep_output = false;
    result = engine::retell(kept(), job, again);
    CHECK(result.output.err.empty());
    CHECK(result.passed());
    CHECK(result.cpu_time == kept().cpu_time);
    CHECK(result.memory == kept().memory);
}
