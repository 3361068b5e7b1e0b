#include "api/resources/pages.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "isolate/sys/error.h"

using resources::content_security_policy;

namespace {

struct Page {
    std::string name;
    std::string_view html;
};

const Page pages[] = {{"playground", resources::playground_page}, {"docs", resources::docs_page}};

// How often `word` stands in the text.
int count(std::string_view text, std::string_view word) {
    int found = 0;
    for (auto at = text.find(word); at != text.npos; at = text.find(word, at + 1)) ++found;
    return found;
}

}  // namespace

TEST_CASE("a page may run only the script that it came with") {
    // printf "let a = 1;" | openssl dgst -sha256 -binary | base64
    const auto policy = content_security_policy("<p>x</p><script>let a = 1;</script>");
    CHECK(policy.find("script-src 'sha256-xY6QKfH9PRsQnLz56nj6MBwiK5oHg+im1Jkpdp1x/Ck=';") !=
          policy.npos);
    CHECK(policy.find("style-src 'none';") != policy.npos);
    CHECK(policy.starts_with("default-src 'none';"));
    CHECK(policy.ends_with("frame-ancestors 'none'"));
    CHECK(policy != content_security_policy("<p>x</p><script>let a = 2;</script>"));
    CHECK(count(content_security_policy("<style>a</style><style>b</style>"), "'sha256-") == 2);
    CHECK_THROWS_AS(content_security_policy("<script>let a"), sys::Error);
}

TEST_CASE("the pages bring all they need, and are small") {
    std::size_t size = 0;
    for (const auto& page : pages) {
        CAPTURE(page.name);
        size += page.html.size();
        CHECK(page.html.starts_with("<!doctype html>"));
        CHECK(page.html.ends_with("</html>\n"));
        // The name of a kind of XML is no address that anybody asks.
        CHECK(count(page.html, "://") == count(page.html, "http://www.w3.org/2000/svg"));
        for (const std::string_view word :
             {" src=", "@import", " url(", ":url(", " style=", "<link rel=\"s"})
            CHECK(count(page.html, word) == 0);
        const auto policy = content_security_policy(page.html);
        CHECK(count(policy, "'sha256-") == 2);
        CHECK(count(policy, "unsafe") == 0);
    }
    CHECK(size < 60 * 1024);
}
