#include <doctest/doctest.h>

#include <string>

#include "api/wire/content.h"

TEST_CASE("base64 is decoded as leniently as Node does") {
    using namespace std::string_literals;
    struct Row {
        std::string name;
        std::string text;
        std::string bytes;
    };
    const Row rows[] = {
        {"empty", "", ""},
        {"padded", "YQ==", "a"},
        {"unpadded", "YQ", "a"},
        {"two bytes", "YWI=", "ab"},
        {"three bytes", "YWJj", "abc"},
        {"a digit alone", "Y", ""},
        {"a digit too many", "YWJjZ", "abc"},
        {"blanks and junk", "YW\n I*\xC3\xA9=", "ab"},
        {"both alphabets", "-_-_+/+/", "\xFB\xFF\xBF\xFB\xFF\xBF"},
        {"padding ends it", "YQ==YQ==", "a"},
        {"padding alone", "====", ""},
        {"zeros", "AAAA", "\0\0\0"s},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(wire::decode_base64(row.text) == row.bytes);
    }
}

TEST_CASE("hex is decoded up to the first bad pair") {
    struct Row {
        const char* text;
        const char* bytes;
    };
    const Row rows[] = {
        {"", ""},        {"6869", "hi"}, {"4a4B", "JK"}, {"686", "h"},      {"6", ""},
        {"68zz69", "h"}, {"zz", ""},     {"68 69", "h"}, {"6\xC3\xA9", ""},
    };
    for (const auto& row : rows) {
        CAPTURE(row.text);
        CHECK(wire::decode_hex(row.text) == row.bytes);
    }
}
