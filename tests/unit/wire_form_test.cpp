#include <doctest/doctest.h>

#include <random>
#include <string>

#include "api/wire/form.h"
#include "isolate/sys/error.h"
#include "tests/support/mutation.h"

using wire::json_of_form;

TEST_CASE("a form is told by its type") {
    CHECK(wire::is_form("application/x-www-form-urlencoded"));
    CHECK(wire::is_form("Application/X-WWW-Form-Urlencoded; charset=UTF-8"));
    CHECK_FALSE(wire::is_form("application/x-www-form-urlencodedx"));
    CHECK_FALSE(wire::is_form("application/json"));
    CHECK_FALSE(wire::is_form(""));
}

TEST_CASE("a form becomes an object of texts and lists") {
    struct Row {
        std::string form, json;
    };
    const Row rows[] = {
        {"", "{}"},
        {"language=python", R"({"language":"python"})"},
        {"stdin=a+b%20c%2B&x=%C3%BC", "{\"stdin\":\"a b c+\",\"x\":\"\xc3\xbc\"}"},
        {"args=1&args=2", R"({"args":["1","2"]})"},
        {"args[]=1", R"({"args":["1"]})"},
        {"args%5B0%5D=1&args[1]=2", R"({"args":["1","2"]})"},
        {"files=print%281%29", "{\"files\":\"print(1)\"}"},
        {"a", R"({"a":""})"},
        {"a=", R"({"a":""})"},
        {"&&a=1&", R"({"a":"1"})"},
        {"a=%", R"({"a":"%"})"},
        {"a=%4", R"({"a":"%4"})"},
        {"a=%zz", R"({"a":"%zz"})"},
        {"a=%41", R"({"a":"A"})"},
        {"f[x]=1", R"({"f[x]":"1"})"},
        {"a=1=2", R"({"a":"1=2"})"},
        {"a=\"", R"({"a":"\""})"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.form);
        CHECK(json_of_form(row.form) == row.json);
    }
}

TEST_CASE("a form of too many fields is refused") {
    std::string many;
    for (int i = 0; i < 1001; ++i) many += "a=1&";
    CHECK_THROWS_WITH_AS(json_of_form(many), "a form has at most 1000 fields", sys::Error);
    CHECK_NOTHROW(json_of_form(many.substr(0, 4000)));
}

TEST_CASE("a damaged form is an object all the same") {
    auto random = std::mt19937{20261121};  // fixed, so that a failure can be repeated
    for (int round = 0; round < 5000; ++round) {
        CAPTURE(round);
        const auto json = json_of_form(support::mutated(
            "language=c&args[]=a%20b&args[1]=%C3%BC&files=int+main", "%&=[]+0aF", random));
        REQUIRE(json.starts_with('{'));
        REQUIRE(json.ends_with('}'));
    }
}
