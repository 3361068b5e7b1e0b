#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>

#include "isolate/sys/error.h"
#include "isolate/sys/file.h"
#include "packages/bundle.h"
#include "packages/record.h"
#include "packages/store.h"
#include "packages/tree.h"

using packages::Record;
using packages::Store;

namespace {

namespace fs = std::filesystem;

struct Place {
    std::string path;

    Place() {
        char name[] = "/tmp/crankcase-store-XXXXXX";
        path = ::mkdtemp(name);
    }
    ~Place() { packages::remove_tree(path); }
};

packages::Layer make_layer(const packages::Transaction& transaction, const std::string& package,
                           const std::string& content) {
    auto staging = transaction.begin_layer();
    fs::create_directories(staging.path() + "/usr/bin");
    sys::replace_file(staging.path() + "/usr/bin/tool", content);
    fs::permissions(staging.path() + "/usr/bin/tool", fs::perms{0755});
    fs::create_symlink("tool", staging.path() + "/usr/bin/link");
    return transaction.publish(std::move(staging), package, "1.0.0");
}

Record make_record(const packages::Transaction& transaction, const std::string& name,
                   const std::vector<std::string>& depends = {}) {
    Record record{.name = name, .version = "1.0.0", .depends = depends};
    record.layers = {make_layer(transaction, name, "the tool of " + name)};
    transaction.put(record);
    return record;
}

bool never(const std::string&) {
    return false;
}

Record everything() {
    Record record{.name = "toy", .version = "1.2.3", .summary = "A \"toy\"\n", .source = "npm"};
    record.depends = {"lower", "base"};
    record.layers = {{"toy-1.2.3-0123", "sha256:01", 12}};
    record.parts = {{"toy.tgz", "1.2.3", "sha512:02"}};
    record.libraries = {{{"a", "b"}, {{"a", "1", ""}}, {"toy-with-1.2.3-4567", "sha256:03", 30}}};
    record.library_source = packages::Libraries{packages::Source::Kind::npm, "", "opt"};
    record.dpkg_status = "Package: x\n\n";
    packages::Provided provided;
    provided.language = "toy";
    provided.aliases = {"t"};
    provided.compile = packages::Script{.argv = {"cc", "{files}"},
                                        .text = "#!/bin/sh\n",
                                        .cache_unless = std::vector<std::string>{"clock"}};
    provided.run = {.argv = {"./a.out", "{args}"},
                    .text = "",
                    .warm = {.kind = packages::Warm::Kind::zygote,
                             .prime = "x()\n",
                             .primed_by = "X={prime}",
                             .max_age = std::chrono::seconds{30},
                             .memory = config::Bytes{3 << 20}}};
    provided.environment = {"A=1"};
    provided.limits = {{"run_timeout", -1}};
    provided.tests = {{"hello", {{"main.t", "say"}}}};
    provided.untested = {{"args", "has none"}};
    record.provides = {provided};
    record.pending_setup = "x";
    record.stale_setup = "z";
    record.library_source = packages::Libraries{.pattern = "toy-{name}", .setup = "z"};
    record.pending_environment = "y";
    record.trouble = "t";
    record.installed_at = 1234567890123;
    return record;
}

}  // namespace

TEST_CASE("a record says the same after a round trip") {
    const auto record = everything();
    CHECK(packages::parse_record(packages::to_json(record), "toy.json") == record);
    CHECK(record.bytes() == 42);
}

TEST_CASE("a record that is none, or names what leads elsewhere, is refused") {
    const auto text = packages::to_json(everything());
    const auto changed = [&](const std::string& from, const std::string& to) {
        auto copy = text;
        copy.replace(copy.find(from), from.size(), to);
        return copy;
    };
    for (const auto& bad :
         {std::string{}, std::string{"[]"}, text.substr(0, text.size() / 2),
          changed("\"format\": 1", "\"format\": 2"), changed("toy-1.2.3-0123", "../../etc"),
          changed("toy-1.2.3-0123", "a:b"), changed("\"name\": \"toy\"", "\"name\": \"../toy\""),
          changed("\"version\": \"1.2.3\"", "\"version\": \"new\""),
          // What the number would become is undefined.
          changed("\"installed_at\": ", "\"installed_at\": 1e30, \"x\": "),
          changed("\"bytes\": ", "\"bytes\": -1, \"x\": "),
          changed("\"kind\": ", "\"kind\": 99, \"x\": "), changed("\"zygote\"", "\"fork\""),
          changed("\"max_age\": 30", "\"max_age\": 1e9"),
          changed("\"max_age\": 30", "\"max_age\": 3601"),
          changed("\"private\": ", "\"private\": -1, \"x\": ")}) {
        CAPTURE(bad);
        CHECK_THROWS_AS(packages::parse_record(bad, "toy.json"), sys::Error);
    }
}

TEST_CASE("a layer is named after its content, and the same content is kept once") {
    const Place place;
    const Store store{place.path};
    const auto transaction = store.begin();
    const auto first = make_layer(transaction, "Some Tool+", "content");
    const auto second = make_layer(transaction, "Some Tool+", "content");
    const auto third = make_layer(transaction, "Some Tool+", "other");
    CHECK(first == second);
    CHECK(first.name.starts_with("some-tool--1.0.0-"));
    CHECK(first.name != third.name);
    CHECK(first.bytes == 7);
    CHECK(fs::exists(store.layers_directory() + "/" + first.name + "/usr/bin/tool"));
}

TEST_CASE("a staging that is not published is gone") {
    const Place place;
    const Store store{place.path};
    std::string path;
    {
        const auto transaction = store.begin();
        const auto staging = transaction.begin_layer();
        path = staging.path();
        CHECK(fs::exists(path));
    }
    CHECK_FALSE(fs::exists(path));
}

TEST_CASE("the next transaction sweeps what a killed one left") {
    const Place place;
    const Store store{place.path};
    fs::create_directories(store.layers_directory() + "/staging-0123/usr");
    fs::create_directories(store.layers_directory() + "/trash-0123/usr");
    const auto half = store.records_directory() + "/toy=1.0.0.json.new";
    { const auto file = sys::open(half, O_WRONLY | O_CREAT, 0644); }
    { const auto transaction = store.begin(); }
    CHECK(fs::is_empty(store.layers_directory()));
    CHECK_FALSE(fs::exists(half));
}

TEST_CASE("only one transaction at a time, of any process") {
    const Place place;
    const Store store{place.path};
    std::atomic<bool> waited = false;
    std::atomic<bool> released = false;
    std::optional<packages::Transaction> first{store.begin()};
    CHECK_FALSE(store.try_begin().has_value());
    std::jthread other{[&] {
        const auto second = store.begin([&] { waited = true; });
        CHECK(released);
    }};
    while (!waited) std::this_thread::yield();
    released = true;
    first.reset();
    other.join();
    CHECK(store.try_begin().has_value());
}

TEST_CASE("verify notices a changed byte, a changed mode, an added and a missing file") {
    const Place place;
    const Store store{place.path};
    const auto transaction = store.begin();
    const auto record = make_record(transaction, "toy");
    CHECK(store.verify(record).empty());
    const auto tool = store.layers_directory() + "/" + record.layers[0].name + "/usr/bin/tool";
    const auto complains = [&] { return store.verify(record).size() == 1; };

    const auto text = sys::read_file(tool);
    sys::write_file(tool, "The");
    CHECK(complains());
    sys::write_file(tool, text.substr(0, 3));
    CHECK(store.verify(record).empty());
    fs::permissions(tool, fs::perms{0644});
    CHECK(complains());
    fs::permissions(tool, fs::perms{0755});
    fs::create_symlink("/etc", tool + "2");
    CHECK(complains());
    fs::remove(tool + "2");
    fs::remove(tool);
    CHECK(complains());
    packages::remove_tree(store.layers_directory() + "/" + record.layers[0].name);
    CHECK(store.verify(record) ==
          std::vector<std::string>{"the layer " + record.layers[0].name + " is missing"});
}

TEST_CASE("a root is made of the package, what it depends on, and the base at the bottom") {
    const Place place;
    const Store store{place.path};
    const auto transaction = store.begin();
    const auto base = make_record(transaction, "base");
    const auto jdk = make_record(transaction, "jdk", {"base"});
    const auto kotlin = make_record(transaction, "kotlin", {"jdk", "base"});
    CHECK(packages::root_layers(store.installed(), kotlin) ==
          std::vector<std::string>{kotlin.layers[0].name, jdk.layers[0].name, base.layers[0].name});

    transaction.remove("jdk", "1.0.0");
    CHECK_THROWS_WITH_AS(packages::root_layers(store.installed(), kotlin),
                         doctest::Contains("needs the package jdk"), sys::Error);
}

TEST_CASE("records in a circle are noticed") {
    const Record one{.name = "one", .version = "1.0.0", .depends = {"two"}};
    const Record two{.name = "two", .version = "1.0.0", .depends = {"one"}};
    CHECK_THROWS_AS(packages::root_layers({one, two}, one), sys::Error);
}

TEST_CASE("garbage is what nobody asked for, depends on, refers to or uses") {
    const Place place;
    const Store store{place.path};
    const auto transaction = store.begin();
    make_record(transaction, "base");
    auto jdk = make_record(transaction, "jdk", {"base"});
    jdk.asked_for = false;
    transaction.put(jdk);
    const auto kotlin = make_record(transaction, "kotlin", {"jdk", "base"});
    CHECK(transaction.collect_garbage(never).empty());

    CHECK(transaction.remove("kotlin", "1.0.0"));
    CHECK_FALSE(transaction.remove("kotlin", "1.0.0"));
    const auto used = [&](const std::string& layer) { return layer == kotlin.layers[0].name; };
    CHECK(transaction.collect_garbage(used) ==
          std::vector<std::string>{"jdk=1.0.0", jdk.layers[0].name});
    CHECK(store.unreferenced_layers() == std::vector<std::string>{kotlin.layers[0].name});
    transaction.collect_garbage(never);
    CHECK(store.unreferenced_layers().empty());
    CHECK(store.installed().size() == 1);
}

TEST_CASE("the newest version in the range is found") {
    const std::vector<Record> records{{.name = "go", .version = "1.9.0"},
                                      {.name = "go", .version = "1.19.0"},
                                      {.name = "node", .version = "26.0.0"}};
    const auto found = [&](const std::string& range) -> std::string {
        const auto* record = packages::newest(records, "go", *packages::parse_range(range));
        return record ? record->version : "none";
    };
    CHECK(found("*") == "1.19.0");
    CHECK(found("1.9") == "1.9.0");
    CHECK(found(">=2") == "none");
}

TEST_CASE("a bundle carries packages to another store, and is refused if a byte of it changed") {
    const Place place;
    const Store from{place.path + "/from"};
    const Store to{place.path + "/to"};
    const auto file = place.path + "/languages.bundle";
    const auto transaction = from.begin();
    make_record(transaction, "base");
    const auto toy = make_record(transaction, "toy", {"base"});
    const auto wanted =
        packages::with_dependencies(from.installed(), "toy", *packages::parse_range("*"));
    CHECK(wanted.size() == 2);
    packages::write_bundle(from, wanted, file, {}, {});

    SUBCASE("whole") {
        const auto target = to.begin();
        CHECK(packages::read_bundle(to, target, file).size() == 2);
        CHECK(to.installed() == from.installed());
        for (const auto& record : to.installed()) CHECK(to.verify(record).empty());
    }
    SUBCASE("with a record that says something else") {
        auto lie = toy;
        lie.layers[0].digest = "sha256:00";
        packages::write_bundle(from, {lie}, file, {}, {});
        const auto target = to.begin();
        CHECK_THROWS_WITH_AS(packages::read_bundle(to, target, file),
                             doctest::Contains("not what its record says"), sys::Error);
        CHECK(to.installed().empty());
    }
    SUBCASE("cut off") {
        fs::resize_file(file, fs::file_size(file) / 2);
        const auto target = to.begin();
        CHECK_THROWS_AS(packages::read_bundle(to, target, file), sys::Error);
        CHECK(to.installed().empty());
    }
    SUBCASE("not one at all") {
        sys::replace_file(file, "hello");
        const auto target = to.begin();
        CHECK_THROWS_AS(packages::read_bundle(to, target, file), sys::Error);
    }
}

namespace {

// Installs, removes and installs again, in a process of its own.
pid_t start_installing(const Store& store) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child != 0) return child;
    const auto transaction = store.begin();
    make_record(transaction, "toy", {});
    transaction.remove("toy", "1.0.0");
    transaction.collect_garbage(never);
    make_record(transaction, "toy", {});
    ::_exit(0);
}

}  // namespace

TEST_CASE("kill -9 of an installation at any moment leaves the whole package or nothing") {
    using Clock = std::chrono::steady_clock;
    const Place place;
    const Store store{place.path};
    const auto began = Clock::now();
    ::waitpid(start_installing(store), nullptr, 0);
    const auto whole_time = Clock::now() - began;

    constexpr int rounds = 60;
    int whole = 0;
    for (int round = 0; round < rounds; ++round) {
        const pid_t child = start_installing(store);
        std::this_thread::sleep_for(whole_time * 2 * round / rounds);
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
        const auto transaction = store.begin();
        for (const auto& record : store.installed()) {
            ++whole;
            CHECK(store.verify(record).empty());
            transaction.remove(record.name, record.version);
        }
        transaction.collect_garbage(never);
        CHECK(fs::is_empty(store.layers_directory()));
    }
    CHECK(whole > 0);
}
