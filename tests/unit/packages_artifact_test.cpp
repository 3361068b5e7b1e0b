#include <doctest/doctest.h>

#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "isolate/sys/error.h"
#include "packages/artifact.h"
#include "packages/names.h"

namespace {

using namespace packages;
using Kind = Source::Kind;

const std::string sum_a(64, 'a');
const std::string sum_b(64, 'b');

Addresses example_addresses() {
    return Addresses{{.npm = "https://npm.example",
                      .pypi = "https://pypi.example/simple",
                      .maven = "https://maven.example/maven2",
                      .go = "https://go.example"}};
}

std::string nothing_to_fetch(const std::string& url) {
    throw sys::Error(sys::Kind::broken, "nobody may fetch " + url);
}

std::vector<Artifact> artifacts(const Source& source, const FetchText& fetch = nothing_to_fetch) {
    auto addresses = example_addresses();
    return artifacts_of(source, addresses, fetch);
}

Source source(Kind kind, const std::string& what) {
    return Source{.kind = kind, .what = {what}, .digest = "sha256:" + sum_a};
}

TEST_CASE("a source has one address") {
    struct Row {
        std::string name;
        Kind kind;
        std::string what, url, file_name;
    };
    const Row rows[] = {
        {"npm", Kind::npm, "typescript@5.9.2",
         "https://npm.example/typescript/-/typescript-5.9.2.tgz", "typescript-5.9.2.tgz"},
        {"npm with a scope", Kind::npm, "@oven/bun-linux-x64@1.4.5",
         "https://npm.example/@oven/bun-linux-x64/-/bun-linux-x64-1.4.5.tgz",
         "bun-linux-x64-1.4.5.tgz"},
        {"npm, a pre-release", Kind::npm, "a@1.0.0-rc.1",
         "https://npm.example/a/-/a-1.0.0-rc.1.tgz", "a-1.0.0-rc.1.tgz"},
        {"maven", Kind::maven, "org.example.lang:the_compiler:2.1.20",
         "https://maven.example/maven2/org/example/lang/the_compiler/2.1.20/"
         "the_compiler-2.1.20.jar",
         "the_compiler-2.1.20.jar"},
        {"maven with a classifier", Kind::maven, "org.example:tool:1.0:all",
         "https://maven.example/maven2/org/example/tool/1.0/tool-1.0-all.jar", "tool-1.0-all.jar"},
        {"maven, a plus", Kind::maven, "org.example:tool:1.0+2",
         "https://maven.example/maven2/org/example/tool/1.0%2B2/tool-1.0%2B2.jar",
         "tool-1.0%2B2.jar"},
        {"go", Kind::go, "go.example/toolchain@v0.0.1-go1.24.4.linux-amd64",
         "https://go.example/go.example/toolchain/@v/v0.0.1-go1.24.4.linux-amd64.zip",
         "v0.0.1-go1.24.4.linux-amd64.zip"},
        {"go, upper case", Kind::go, "git.example/BurntSushi/toml@v1.0.0-RC1",
         "https://go.example/git.example/!burnt!sushi/toml/@v/v1.0.0-!r!c1.zip",
         "v1.0.0-!r!c1.zip"},
        {"go, incompatible", Kind::go, "git.example/a/b@v2.0.0+incompatible",
         "https://go.example/git.example/a/b/@v/v2.0.0%2Bincompatible.zip",
         "v2.0.0%2Bincompatible.zip"},
        {"url", Kind::url, "https://files.example/a/b.tar.gz?x=1",
         "https://files.example/a/b.tar.gz?x=1", "b.tar.gz"},
        {"file", Kind::url, "file:///srv/b.tar.gz", "file:///srv/b.tar.gz", "b.tar.gz"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto result = artifacts(source(row.kind, row.what));
        REQUIRE(result.size() == 1);
        CHECK(result[0].url == row.url);
        CHECK(result[0].file_name == row.file_name);
        CHECK(result[0].unpack);
    }
}

TEST_CASE("what a source says of its files reaches the artifact") {
    auto jar = source(Kind::maven, "org.example:tool:1.0");
    jar.file = "tool.jar";
    jar.into = "opt/tool/lib";
    CHECK(artifacts(jar).at(0) ==
          Artifact{.url = "https://maven.example/maven2/org/example/tool/1.0/tool-1.0.jar",
                   .digest = "sha256:" + sum_a,
                   .file_name = "tool.jar",
                   .into = "opt/tool/lib",
                   .strip = 0,
                   .unpack = false});
    auto tarball = source(Kind::npm, "a@1.0.0");
    tarball.strip = 1;
    CHECK(artifacts(tarball).at(0).strip == 1);
}

TEST_CASE("names that are none never reach an address") {
    struct Row {
        Kind kind;
        std::string what;
    };
    const Row rows[] = {
        {Kind::npm, ""},
        {Kind::npm, "typescript"},
        {Kind::npm, "typescript@"},
        {Kind::npm, "typescript@latest"},
        {Kind::npm, "typescript@^5.0.0"},
        {Kind::npm, "typescript@v5.0.0"},
        {Kind::npm, "typescript@ 5.0.0"},
        {Kind::npm, "../x@1.0.0"},
        {Kind::npm, "@../x@1.0.0"},
        {Kind::npm, "@scope/../x@1.0.0"},
        {Kind::npm, "@scope/a/b@1.0.0"},
        {Kind::npm, "@scope@1.0.0"},
        {Kind::npm, ".hidden@1.0.0"},
        {Kind::npm, "a b@1.0.0"},
        {Kind::npm, "$(id)@1.0.0"},
        {Kind::npm, "a%2e@1.0.0"},
        {Kind::npm, "a?b@1.0.0"},
        {Kind::npm, "a#b@1.0.0"},
        {Kind::npm, "a\n@1.0.0"},
        {Kind::npm, std::string(300, 'a') + "@1.0.0"},
        {Kind::maven, "org.example:tool"},
        {Kind::maven, "org.example:tool:1.0:a:b"},
        {Kind::maven, "org..example:tool:1.0"},
        {Kind::maven, "org/example:tool:1.0"},
        {Kind::maven, "org.example:..:1.0"},
        {Kind::maven, "org.example:tool:../1.0"},
        {Kind::maven, "org.example:tool:"},
        {Kind::maven, "org.example:tool:$(id)"},
        {Kind::go, "go.example/toolchain"},
        {Kind::go, "go.example/toolchain@latest"},
        {Kind::go, "go.example/toolchain@v1"},
        {Kind::go, "go.example/../x@v1.0.0"},
        {Kind::go, "go.example//x@v1.0.0"},
        {Kind::go, "toolchain@v1.0.0"},
        {Kind::go, "go.example/a b@v1.0.0"},
        {Kind::go, "go.example/!a@v1.0.0"},
        {Kind::url, "ftp://files.example/a"},
        {Kind::url, "https://"},
        {Kind::url, "https://files.example/a b"},
        {Kind::url, "https://files.example/a\"b"},
        {Kind::url, "https://files.example/"},
        {Kind::url, "https://files.example/.."},
        {Kind::url, "file://host/a"},
        {Kind::url, "/etc/passwd"},
        {Kind::debian, "hello"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.what);
        CHECK_THROWS_AS(artifacts(source(row.kind, row.what)), sys::Error);
    }
}

TEST_CASE("a name that is refused is named, harmlessly") {
    CHECK_THROWS_WITH_AS(
        artifacts(source(Kind::npm, "$(id)\x1b@1.0.0")),
        "\"$(id)?@1.0.0\" is no npm package: it takes \"name@1.2.3\" or \"@scope/name@1.2.3\"",
        sys::Error);
}

TEST_CASE("a source without a digest, or with a file name that leads elsewhere, is refused") {
    auto without = source(Kind::npm, "a@1.0.0");
    without.digest.clear();
    CHECK_THROWS_AS(artifacts(without), sys::Error);
    auto outside = source(Kind::maven, "org.example:tool:1.0");
    for (const std::string file : {"../tool.jar", "a/b", "..", ".tool", "-tool", "a b"}) {
        CAPTURE(file);
        outside.file = file;
        CHECK_THROWS_AS(artifacts(outside), sys::Error);
    }
}

Source wheel() {
    auto result = source(Kind::pypi, "The.Tool==1.0");
    result.file = "the_tool-1.0-py3-none-any.whl";
    return result;
}

std::string html_page(const std::string& href) {
    return "<!DOCTYPE html><html><body>\n"
           "<a href=\"../../f/the_tool-0.9-py3-none-any.whl\">the_tool-0.9-py3-none-any.whl</a>\n"
           "<abbr>x</abbr><A>y</A>\n"
           "<a data-href='no' data-requires-python=\"&gt;=3.8>\" href=\"" +
           href + "\"\n>the_tool-1.0-py3-none-any.whl</a><br/></body></html>";
}

TEST_CASE("a wheel is found on the page of its project") {
    struct Row {
        std::string name, page, url;
    };
    const std::string json_file = R"("filename": "the_tool-1.0-py3-none-any.whl", "url": )";
    const Row rows[] = {
        {"html, relative", html_page("../../f/the_tool-1.0.whl#sha256=" + sum_a),
         "https://pypi.example/f/the_tool-1.0.whl"},
        {"html, from the root", html_page("/f/a.whl?x=1&amp;y=2"),
         "https://pypi.example/f/a.whl?x=1&y=2"},
        {"html, another host", html_page("https://files.example/a.whl#sha256=" + sum_a),
         "https://files.example/a.whl"},
        {"html, the same scheme", html_page("//files.example/a.whl"),
         "https://files.example/a.whl"},
        {"html, another digest's name", html_page("a.whl#md5=00"),
         "https://pypi.example/simple/the-tool/a.whl"},
        {"json",
         R"({"files": [{)" + json_file + R"("../../f/a.whl", "hashes": {"sha256": ")" + sum_a +
             R"("}}]})",
         "https://pypi.example/f/a.whl"},
        {"json without digests",
         R"({"files": [1, {}, {)" + json_file + R"("https://files.example/a.whl"}]})",
         "https://files.example/a.whl"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto fetch = [&](const std::string& url) {
            CHECK(url == "https://pypi.example/simple/the-tool/");
            return row.page;
        };
        const auto result = artifacts(wheel(), fetch);
        CHECK(result.at(0).url == row.url);
        CHECK(result.at(0).file_name == "the_tool-1.0-py3-none-any.whl");
        CHECK(result.at(0).digest == "sha256:" + sum_a);
        CHECK(result.at(0).unpack);
    }
}

TEST_CASE("an index that lacks the wheel, or leads it elsewhere, is refused") {
    const std::string pages[] = {
        "",
        "<html></html>",
        "<a href=\"a.whl\"",
        "<a href=\"a.whl\">the_tool-1.0-py3-none-any.whl",
        R"({"files": 1})",
        R"({"files": )",
        R"({"files": [{"filename": "the_tool-1.0-py3-none-any.whl"}]})",
        html_page("https://files.example/a.whl#sha256=" + sum_b),
        html_page("https://files.example/a.whl#sha256=zz"),
        html_page("file:///etc/passwd"),
        html_page("javascript:void"),
        html_page("https://files.example/a b"),
    };
    for (const auto& page : pages) {
        CAPTURE(page);
        CHECK_THROWS_AS(artifacts(wheel(), [&](const std::string&) { return page; }), sys::Error);
    }
}

TEST_CASE("a wheel's name and version are checked before anything is fetched") {
    struct Row {
        std::string what, file;
    };
    const Row rows[] = {
        {"tool", "tool-1.0-py3-none-any.whl"},
        {"tool==", "tool-1.0-py3-none-any.whl"},
        {"tool>=1.0", "tool-1.0-py3-none-any.whl"},
        {"../tool==1.0", "tool-1.0-py3-none-any.whl"},
        {"tool==1.0", "tool-1.0.tar.gz"},
        {"tool==1.0", ""},
        {"tool==1.0", "../tool-1.0-py3-none-any.whl"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.what);
        CAPTURE(row.file);
        auto one = source(Kind::pypi, row.what);
        one.file = row.file;
        bool fetched = false;
        CHECK_THROWS_AS(artifacts(one,
                                  [&](const std::string&) {
                                      fetched = true;
                                      return std::string{};
                                  }),
                        sys::Error);
        CHECK_FALSE(fetched);
    }
}

TEST_CASE("a damaged page yields addresses that can be fetched, or is refused") {
    const std::string pages[] = {
        html_page("../../f/a.whl?x=1&amp;y=2#sha256=" + sum_a),
        R"({"files": [{"filename": "a.whl", "url": "../a.whl", "hashes": {"sha256": "00"}}]})",
    };
    std::minstd_rand random{7};  // the same damage every time
    for (int round = 0; round < 10'000; ++round) {
        auto page = pages[random() % std::size(pages)];
        for (auto count = random() % 4; count < 4; ++count) {
            page[random() % page.size()] = static_cast<char>(random() % 128);
        }
        page.resize(page.size() - (random() % 8 == 0 ? random() % page.size() : 0));
        CAPTURE(page);
        try {
            for (const auto& file : parse_project_page(page, "https://pypi.example/simple/a/")) {
                CHECK(is_address(file.url));
                CHECK(file.url.starts_with("http"));
            }
        } catch (const sys::Error& error) {
            CHECK(error.kind() == sys::Kind::invalid);
        }
    }
}

TEST_CASE("references are resolved as browsers do") {
    struct Row {
        std::string base, reference, expected;
    };
    const Row rows[] = {
        {"https://a.example/b/c/", "d", "https://a.example/b/c/d"},
        {"https://a.example/b/c", "d", "https://a.example/b/d"},
        {"https://a.example/b/c/", "./d/", "https://a.example/b/c/d/"},
        {"https://a.example/b/c/", "../d", "https://a.example/b/d"},
        {"https://a.example/b/c/", "../../../../d", "https://a.example/d"},
        {"https://a.example/b/c/", "/d", "https://a.example/d"},
        {"https://a.example/b/c/?q=1", "d?r=2", "https://a.example/b/c/d?r=2"},
        {"https://a.example", "d", "https://a.example/d"},
        {"https://a.example/b/", "//e.example/d", "https://e.example/d"},
        {"https://a.example/b/", "http://e.example/d", "http://e.example/d"},
        {"https://a.example/b/", "", "https://a.example/b/"},
        {"https://a.example/b/", "..", "https://a.example/"},
        {"file:///srv/simple/a/", "../x.whl", "file:///srv/simple/x.whl"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.base);
        CAPTURE(row.reference);
        CHECK(resolved_address(row.base, row.reference) == row.expected);
    }
}

TEST_CASE("indexes and proxies spell names in their own way") {
    CHECK(normalized_project("The._-Tool") == "the-tool");
    CHECK(normalized_project("a.b_c") == "a-b-c");
    CHECK(escaped_module("git.example/ABc") == "git.example/!a!bc");
}

}  // namespace
