#include <doctest/doctest.h>

#include "api/cli/backend.h"
#include "api/cli/table.h"
#include "api/cli/text.h"

namespace {

using cli::Cell;
using cli::Colours;
using cli::Side;
using cli::Table;
using cli::Tint;

const Table sample{
    .columns = {{"NAME"}, {"SIZE", Side::right}, {"SUMMARY"}},
    .rows = {{{"php", Tint::green}, {"9 B"}, {"PHP, command line"}}, {{"bash"}, {"120 MiB"}, {}}},
};

}  // namespace

TEST_CASE("columns are aligned, and no line ends in blanks") {
    CHECK(cli::render(sample, 0, Colours::no) ==
          "NAME     SIZE  SUMMARY\n"
          "php       9 B  PHP, command line\n"
          "bash  120 MiB\n");
}

TEST_CASE("a table without rows is nothing at all") {
    CHECK(cli::render({.columns = sample.columns, .rows = {}}, 80, Colours::no).empty());
    CHECK(cli::render({}, 80, Colours::yes).empty());
}

TEST_CASE("the last column gives way to a narrow terminal") {
    CHECK(cli::render(sample, 25, Colours::no) ==
          "NAME     SIZE  SUMMARY\n"
          "php       9 B  PHP, comm…\n"
          "bash  120 MiB\n");
    CHECK(cli::render(sample, 1, Colours::no).find("PHP, co…") != std::string::npos);
}

TEST_CASE("colours surround the words and change no width") {
    CHECK(cli::render(sample, 0, Colours::yes) ==
          "\x1b[1mNAME\x1b[0m     \x1b[1mSIZE\x1b[0m  \x1b[1mSUMMARY\x1b[0m\n"
          "\x1b[32mphp\x1b[0m       9 B  PHP, command line\n"
          "bash  120 MiB\n");
}

TEST_CASE("rows may be shorter than the table, and characters wider than a byte") {
    const Table table{.columns = {{"A"}, {"B"}, {"C"}}, .rows = {{{"é世☃"}, {"x"}}, {{"yyyy"}}}};
    CHECK(cli::render(table, 0, Colours::no) == "A     B  C\né世☃   x\nyyyy\n");
}

TEST_CASE("nothing in a cell can break a line or steer a terminal") {
    const Table table{.columns = {{"A"}}, .rows = {{{"a\nb\x1b[31m\x7f\xC2\x85\t"}}}};
    CHECK(cli::render(table, 0, Colours::no) == "A\na?b?[31m???\n");
    CHECK(cli::render_facts({{"name", "a\nb"}}, Colours::no) == "name:  a?b\n");
}

TEST_CASE("facts are aligned, and those that say nothing left out") {
    CHECK(cli::render_facts({{"name", "php"}, {"languages", ""}, {"version", "8.2.0"}},
                            Colours::no) == "name:     php\nversion:  8.2.0\n");
}

TEST_CASE("a text is cut between characters") {
    CHECK(cli::shortened("héllo", 5) == "héllo");
    CHECK(cli::shortened("héllo", 4) == "hél…");
    CHECK(cli::shortened("héllo", 2) == "h…");
    CHECK(cli::shortened("héllo", 1) == "…");
    CHECK(cli::shortened("héllo", 0).empty());
}

TEST_CASE("what is installed and what is offered become one list") {
    const std::vector<packages::Record> records{
        {.name = "php", .version = "8.2.0", .layers = {{"l", "d", 7}}},
        {.name = "lua", .version = "5.4.4", .asked_for = false},
        {.name = "gone", .version = "1.0.0"},
    };
    const std::vector<packages::Offer> offers{
        {.name = "zig", .version = "debian:zig"}, {.name = "php", .version = "8.10.0"},
        {.name = "php", .version = "8.2.0"},      {.name = "php", .version = "9.0.0-rc.1"},
        {.name = "lua", .version = "debian:lua"},
    };
    const auto list = cli::listing(records, offers);
    std::string text;
    for (const auto& entry : list) {
        text += entry.name + " " + entry.version + (entry.installed ? " installed" : "") +
                (entry.available ? " available" : "") + (entry.asked_for ? "" : " needed") +
                (entry.newer.empty() ? "" : " newer " + entry.newer) + "\n";
    }
    CHECK(text ==
          "gone 1.0.0 installed\n"
          "lua 5.4.4 installed needed\n"
          "php 8.2.0 installed available newer 8.10.0\n"
          "php 8.10.0 available\n"
          "php 9.0.0-rc.1 available\n"
          "zig debian:zig available\n");
    CHECK(list[2].bytes == 7);
}

TEST_CASE("only the newest installed version is outdated") {
    std::vector<cli::Listed> list{
        {.name = "php", .version = "8.1.0", .installed = true},
        {.name = "php", .version = "8.3.0", .available = true},
        {.name = "php", .version = "8.2.0", .installed = true, .available = true},
        {.name = "lua", .version = "5.4.0", .installed = true, .available = true},
    };
    cli::complete(list);
    CHECK(list[0].newer.empty());  // lua
    CHECK(list[1].newer.empty());  // php 8.1
    CHECK(list[2].newer == "8.3.0");
    CHECK(list[3].newer.empty());
}
