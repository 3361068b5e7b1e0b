#include <doctest/doctest.h>
#include <fcntl.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "isolate/sys/error.h"
#include "isolate/sys/fd.h"
#include "isolate/sys/file.h"
#include "packages/tool.h"

namespace {

using namespace packages;

ToolCommand shell(const std::string& script) {
    return {.argv = {"/bin/sh", "-c", script}, .environment = {"PATH=/usr/bin:/bin", "MARK=on"}};
}

sys::Kind kind_of_failure(const ToolCommand& command, std::stop_token stop = {}) {
    try {
        run_tool(command, std::move(stop));
    } catch (const sys::Error& error) {
        return error.kind();
    }
    FAIL("it did not fail");
    return {};
}

TEST_CASE("a tool's words and its exit code come back") {
    const auto result = run_tool(shell("echo out; echo err >&2; exit 3"));
    CHECK(result.exit_code == 3);
    CHECK(result.out == "out\n");
    CHECK(result.err == "err\n");
    CHECK(run_tool(shell("kill -9 $$")).exit_code == 137);
}

TEST_CASE("a tool gets its environment, its directory and nothing to read") {
    auto command = shell("echo $MARK $HOME; pwd; cat; ls /proc/self/fd | wc -l");
    command.directory = "/usr";
    // A descriptor of ours that somebody opened carelessly.
    const auto careless = sys::UniqueFd{::open("/dev/null", O_RDONLY)};
    // ls has the three standard ones and the directory it reads.
    CHECK(run_tool(command).out == "on\n/usr\n4\n");
}

TEST_CASE("a tool's lines are told one by one and not kept") {
    std::vector<std::string> lines;
    auto command = shell(R"(printf 'a\nb\r\nc'; head -c 10000 /dev/zero | tr '\0' x)");
    command.most_output = 1;
    command.on_line = [&](std::string_view line) { lines.emplace_back(line); };
    CHECK(run_tool(command).out.empty());
    CHECK(lines == std::vector<std::string>{"a", "b", "", "c" + std::string(4095, 'x')});
}

TEST_CASE("a tool that says too much, takes too long or is not there is an error") {
    auto flood = shell("exec cat /dev/zero");
    flood.most_output = 1000;
    CHECK(kind_of_failure(flood) == sys::Kind::broken);
    auto quiet = shell("exec sleep 60");
    quiet.patience = std::chrono::milliseconds{50};
    CHECK(kind_of_failure(quiet) == sys::Kind::broken);
    auto talkative = shell("exec cat /dev/zero");
    talkative.on_line = [](std::string_view) {};
    talkative.patience = std::chrono::milliseconds{50};
    CHECK(kind_of_failure(talkative) == sys::Kind::broken);
    CHECK(kind_of_failure({.argv = {"/no/such/program"}}) == sys::Kind::broken);
}

TEST_CASE("a flood of errors is cut, and the tool goes on") {
    const auto result = run_tool(shell("head -c 1000000 /dev/zero >&2; echo done"));
    CHECK(result.out == "done\n");
    CHECK(result.err.size() == 64 << 10);
}

TEST_CASE("a stop ends a tool") {
    std::stop_source before;
    before.request_stop();
    CHECK(kind_of_failure(shell("exec sleep 60"), before.get_token()) == sys::Kind::busy);

    std::stop_source later;
    const auto stopper = std::jthread([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds{50});
        later.request_stop();
    });
    CHECK(kind_of_failure(shell("exec sleep 60"), later.get_token()) == sys::Kind::busy);
}

TEST_CASE("nothing of a tool's outlives it, and a pipe it left open is not waited for") {
    const auto result = run_tool(shell("sleep 60 & echo $!"));
    CHECK(result.exit_code == 0);
    const auto file = "/proc/" + result.out.substr(0, result.out.find('\n')) + "/stat";
    // Gone, or dead and not yet reaped by whoever inherited it; the kernel takes a moment to kill.
    bool dead = false;
    for (int attempt = 0; attempt < 500 && !dead; ++attempt) {
        const auto state = sys::try_read_file(file);
        dead = !state || state->find(") Z ") != std::string::npos;
        if (!dead) std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
    CHECK(dead);
}

TEST_CASE("programs are found by name") {
    CHECK(find_program("sh").value_or("").ends_with("/sh"));
    CHECK_FALSE(find_program("no-such-program-anywhere"));
}

TEST_CASE("a tool's last words are short and without passwords") {
    CHECK(last_words({.exit_code = 1, .err = "a\nfetch https://me:secret@a.example/x\n"}) ==
          "a fetch https://a.example/x");
    CHECK(last_words({.exit_code = 1, .out = "said\n"}) == "said");
    CHECK(last_words({.exit_code = 7}) == "exit code 7");
    CHECK(last_words({.err = std::string(5000, 'x') + "\nend\n"}).size() <= 400);
}

}  // namespace
