#include <doctest/doctest.h>

#include <cstdint>
#include <string>

#include "api/wire/json_text.h"

namespace {

using namespace std::string_literals;

std::string text(const std::string& bytes) {
    std::string json;
    wire::append_json_text(json, bytes);
    return json;
}

std::string repeated(const std::string& unit, std::size_t times) {
    std::string all;
    for (std::size_t i = 0; i < times; ++i) all += unit;
    return all;
}

}  // namespace

TEST_CASE("bytes become JSON text as JSON.stringify writes it") {
    struct Row {
        std::string name;
        std::string bytes;
        std::string json;
    };
    const Row rows[] = {
        {"nothing", "", R"("")"},
        {"plain", "hello, world", R"("hello, world")"},
        {"quotes", R"(say "a\b")", R"("say \"a\\b\"")"},
        {"short escapes", "\b\f\n\r\t", R"("\b\f\n\r\t")"},
        {"long escapes", "\0\x01\x1b\x1f"s, R"("\u0000\u0001\u001b\u001f")"},
        {"what needs no escape", "/\x7f\xE2\x80\xA8", "\"/\x7f\xE2\x80\xA8\""},
        {"each length", "aäた😀", "\"aäた😀\""},
        {"the last character", "\xF4\x8F\xBF\xBF", "\"\xF4\x8F\xBF\xBF\""},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(text(row.bytes) == row.json);
    }
}

TEST_CASE("each maximal part of a broken character becomes one replacement character") {
    const std::string r = "\xEF\xBF\xBD";
    struct Row {
        std::string name;
        std::string bytes;
        std::string decoded;
    };
    const Row rows[] = {
        {"continuation alone", "\x80", r},
        {"never a lead", "\xFF\xC0\xC1\xF5", r + r + r + r},
        {"overlong", "\xC0\xAF", r + r},
        {"overlong of three", "\xE0\x80\x80", r + r + r},
        {"a surrogate", "\xED\xA0\x80", r + r + r},
        {"beyond Unicode", "\xF4\x90\x80\x80", r + r + r + r},
        {"two of four and text", "\xF0\x9F!", r + "!"},
        {"three of four", "\xF0\x9F\x98", r},
        {"lead after lead", "\xE3\x81\xE3\x81\x9F", r + "た"},
        {"lead at the end", "a\xC3", "a" + r},
        {"lead before a word", "\xC3 1234567890", r + " 1234567890"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(text(row.bytes) == '"' + row.decoded + '"');
        CHECK(wire::valid_text(row.bytes) == row.decoded);
    }
}

TEST_CASE("where a character or an escape stands does not change what it becomes") {
    struct Row {
        std::string bytes, json;
    };
    const Row rows[] = {{"\n", "\\n"},
                        {"\x01", "\\u0001"},
                        {"\"", "\\\""},
                        {"\\", "\\\\"},
                        {"ä", "ä"},
                        {"😀", "😀"},
                        {"\xF0\x9F", "\xEF\xBF\xBD"},
                        {"\x80", "\xEF\xBF\xBD"}};
    for (const auto& row : rows) {
        CAPTURE(row.json);
        for (std::size_t before = 0; before < 2100;
             before += before < 20 || before > 2030 ? 1 : 97) {
            CAPTURE(before);
            const std::string plain(before, '!');
            REQUIRE(text(plain + row.bytes) == '"' + plain + row.json + '"');
            REQUIRE(text(plain + row.bytes + plain) == '"' + plain + row.json + plain + '"');
        }
    }
    CHECK(text(repeated("\x01", 5000)) == '"' + repeated("\\u0001", 5000) + '"');
    CHECK(text(repeated("x\n", 5000)) == '"' + repeated("x\\n", 5000) + '"');
    for (int byte = 0x20; byte < 0x80; ++byte) {
        const std::string eight(8, static_cast<char>(byte));
        const bool escaped = byte == '"' || byte == '\\';
        CHECK(text(eight).size() == (escaped ? 18 : 10));
    }
}

TEST_CASE("a character cut off at the end is left out, and nothing else") {
    struct Row {
        std::string name;
        std::string bytes;
        std::size_t kept;
    };
    const Row rows[] = {
        {"nothing", "", 0},
        {"plain", "abc", 3},
        {"whole", "aä", 3},
        {"one of two", "a\xC3", 1},
        {"two of three", "a\xE3\x81", 1},
        {"three of four", "\xF0\x9F\x98", 0},
        {"four of four", "\xF0\x9F\x98\x80", 4},
        {"broken already", "a\xE0\x80", 3},
        {"continuations only", "\x80\x80\x80\x80\x80", 5},
        {"no lead", "a\xFF", 2},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(wire::complete_characters(row.bytes).size() == row.kept);
    }
}
