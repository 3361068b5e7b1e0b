#include "isolate/tree.h"

#include <doctest/doctest.h>

#include <cstring>
#include <random>
#include <string>

#include "tests/support/mutation.h"

using namespace std::string_literals;
using isolate::EntryHead;
using isolate::EntryKind;
using isolate::read_tree;

namespace {

std::string entry(EntryKind kind, const std::string& name, const std::string& content = "",
                  std::uint64_t written = 0) {
    const EntryHead head{.kind = kind,
                         .name_bytes = static_cast<std::uint32_t>(name.size()),
                         .content_bytes = content.size(),
                         .written = written};
    std::string bytes(sizeof head, '\0');
    std::memcpy(bytes.data(), &head, sizeof head);
    return bytes + name + content;
}

const std::string the_end = entry(EntryKind::file, "");

}  // namespace

TEST_CASE("a tree is read with directories first, links last and files as old as they were") {
    const auto tree = read_tree(
        entry(EntryKind::link, "a", "/tmp") + entry(EntryKind::file, "src/new", "n", 9) +
        entry(EntryKind::program, "old", "o", 3) + entry(EntryKind::directory, "src/deep") +
        entry(EntryKind::directory, "src") + the_end);
    REQUIRE(tree);
    CHECK(*tree == isolate::Tree{{EntryKind::directory, "src", ""},
                                 {EntryKind::directory, "src/deep", ""},
                                 {EntryKind::program, "old", "o"},
                                 {EntryKind::file, "src/new", "n"},
                                 {EntryKind::link, "a", "/tmp"}});
    CHECK(read_tree(the_end) == isolate::Tree{});
    CHECK(read_tree(isolate::write_tree(*tree)) == tree);
}

TEST_CASE("what is no whole tree with possible names is nothing") {
    struct Row {
        std::string name, bytes;
    };
    const auto with = [](const std::string& name) {
        return entry(EntryKind::file, name) + the_end;
    };
    auto too_long = entry(EntryKind::file, "a", "content");
    too_long.resize(too_long.size() - 1);
    std::string deep = "d";
    for (int i = 0; i < 64; ++i) deep += "/d";
    const Row rows[] = {
        {"nothing", ""},
        {"no end", entry(EntryKind::file, "a")},
        {"more behind the end", the_end + "x"},
        {"half a head", the_end.substr(1)},
        {"less content than it says", too_long},
        {"an absolute name", with("/a")},
        {"a name that leads up", with("../a")},
        {"a name that leads up on its way", with("a/../b")},
        {"a name of here", with("./a")},
        {"an empty part", with("a//b")},
        {"a slash at the end", with("a/")},
        {"a NUL", with("a\0b"s)},
        {"a part that is too long", with(std::string(256, 'a'))},
        {"too deep", with(deep)},
        {"twice the same", entry(EntryKind::file, "a") + with("a")},
        {"a directory with content", entry(EntryKind::directory, "a", "x") + the_end},
        {"a link to nowhere", entry(EntryKind::link, "a") + the_end},
        {"a link with a NUL", entry(EntryKind::link, "a", "b\0c"s) + the_end},
        {"a link that is too long", entry(EntryKind::link, "a", std::string(4096, 'x')) + the_end},
        {"an unknown kind", entry(static_cast<EntryKind>(9), "a") + the_end},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK_FALSE(read_tree(row.bytes));
    }
}

TEST_CASE("damaged trees are read within bounds or not at all") {
    std::mt19937 random{20261121};
    const auto seed = entry(EntryKind::directory, "src") +
                      entry(EntryKind::file, "src/main.cpp", "int main() {}", 5) +
                      entry(EntryKind::program, "a.out", std::string(40, '\x7f'), 7) +
                      entry(EntryKind::link, "link", "src/main.cpp") + the_end;
    REQUIRE(read_tree(seed));
    int read = 0;
    int refused = 0;
    for (int i = 0; i < 10'000; ++i) {
        const auto tree = read_tree(support::mutated(seed, "\0\1\2\3\4/.\xff"s, random));
        if (!tree) {
            ++refused;
            continue;
        }
        ++read;
        for (const auto& one : *tree) {
            CHECK_FALSE(one.name.empty());
            CHECK_FALSE(one.name.starts_with('/'));
            CHECK(one.content.size() <= seed.size());
        }
    }
    CHECK(read > 0);
    CHECK(refused > 0);
}
