#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "isolate/sys/error.h"
#include "isolate/sys/file.h"
#include "packages/fetch.h"
#include "packages/part_file.h"
#include "tests/support/archive_maker.h"
#include "tests/support/lying_server.h"

using packages::FetchPolicy;
using support::LyingServer;
using Line = LyingServer::Line;
using Request = LyingServer::Request;

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

// Large enough to come in several pieces.
std::string some_bytes() {
    std::string bytes;
    for (unsigned i = 0; i < 100'000; ++i) bytes += static_cast<char>('a' + i * i % 26);
    return bytes;
}
const std::string content = some_bytes();

packages::Digest digest_of(const std::string& bytes) {
    auto hasher = packages::Hasher(packages::Digest::Algorithm::sha256);
    hasher.update(bytes);
    return hasher.finish();
}

// One that lets a test connect to this machine, and does not wait long.
FetchPolicy local_policy() {
    return {.schemes = {"http", "file"},
            .allow_private_addresses = true,
            .retry_pause = 1ms,
            .connect_timeout = 5s,
            .stall_timeout = 5s,  // on a busy machine a thread may not run for half a second
            .total_timeout = 20s};
}

struct Failure {
    sys::Kind kind = sys::Kind::broken;
    std::string why;  // empty: there was none
};

// A directory with a download's target; gone at the end.
class Target {
public:
    Target() { REQUIRE(::mkdtemp(directory_.data()) != nullptr); }
    Target(const Target&) = delete;
    Target& operator=(const Target&) = delete;
    ~Target() { fs::remove_all(directory_); }

    std::string path() const { return directory_ + "/file"; }
    void leave_part(const std::string& bytes, const std::string& url,
                    const std::string& validator) const {
        std::ofstream{path() + ".part"} << bytes;
        if (!validator.empty())
            std::ofstream{path() + ".part.from"} << url << "\n" << validator << "\n";
    }
    // Names of what is there, sorted, each behind a blank.
    std::string files() const {
        std::string names;
        for (const auto* name : {"/file", "/file.part", "/file.part.from"})
            if (fs::exists(directory_ + name)) names += " " + std::string{name}.substr(1);
        return names;
    }
    Failure fetch(const std::string& url, std::optional<packages::Digest> digest,
                  const FetchPolicy& policy = local_policy(), std::uint64_t most = 1 << 20) const {
        try {
            packages::fetch({url, path(), std::move(digest), most}, policy, {}, {});
            return {};
        } catch (const sys::Error& error) {
            return {error.kind(), error.what()};
        }
    }
    std::string fetched() const { return sys::read_file(path()); }

private:
    std::string directory_ = "/tmp/crankcase-fetch-XXXXXX";
};

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// An honest server of `content`, ranges and all.
void serve_content(const Request& request, Line& line, const std::string& etag) {
    const auto range = request.header("range");
    const auto condition = request.header("if-range");
    if (range.empty() || (!condition.empty() && condition != etag))
        return line.answer("200 OK", content, "ETag: " + etag + "\r\n");
    const auto first = std::stoul(range.substr(6));
    if (first >= content.size()) return line.answer("416 Range Not Satisfiable", "");
    line.answer("206 Partial Content", content.substr(first),
                "ETag: " + etag + "\r\nContent-Range: bytes " + std::to_string(first) + "-" +
                    std::to_string(content.size() - 1) + "/" + std::to_string(content.size()) +
                    "\r\n");
}

const std::string half = content.substr(0, content.size() / 2);

std::string ok_head(std::size_t length) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n";
}

}  // namespace

TEST_CASE("a file is downloaded, checked, named and told about") {
    LyingServer server(
        [](const Request& request, Line& line) { serve_content(request, line, "\"1\""); });
    const Target target;
    std::uint64_t last = 0, total = 0;
    packages::fetch({server.url("/x"), target.path(), digest_of(content)}, local_policy(),
                    [&](std::uint64_t received, std::uint64_t all) {
                        CHECK(received >= last);
                        last = received;
                        total = all;
                    },
                    {});
    CHECK(target.fetched() == content);
    CHECK(target.files() == " file");
    CHECK(last == content.size());
    CHECK(total == content.size());
    struct stat status = {};
    REQUIRE(::stat(target.path().c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0644);
}

TEST_CASE("an empty file is a file") {
    LyingServer server([](const Request&, Line& line) { line.answer("200 OK", ""); });
    const Target target;
    CHECK(target.fetch(server.url("/"), digest_of("")).why.empty());
    CHECK(target.fetched().empty());
}

TEST_CASE("a download that was interrupted goes on where it was") {
    struct Row {
        std::string name, validator;
        int requests;
        std::string first_range;
    };
    const Row rows[] = {
        {"same file", "\"1\"", 1, "bytes=50000-"},
        {"changed file", "\"0\"", 1, "bytes=50000-"},
        {"no validator, but a digest", "", 1, "bytes=50000-"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        LyingServer server(
            [](const Request& request, Line& line) { serve_content(request, line, "\"1\""); });
        const Target target;
        target.leave_part(half, server.url("/x"), row.validator);
        CHECK(target.fetch(server.url("/x"), digest_of(content)).why.empty());
        CHECK(target.fetched() == content);
        CHECK(target.files() == " file");
        const auto requests = server.requests();
        REQUIRE(std::ssize(requests) == row.requests);
        CHECK(requests[0].header("range") == row.first_range);
        CHECK(requests[0].header("if-range") == row.validator);
    }
}

TEST_CASE("what cannot be resumed is downloaded anew") {
    struct Row {
        std::string name, part, from, validator;
        bool with_digest;
        int requests;
    };
    const auto wrong = std::string(50'000, '!');
    const Row rows[] = {
        {"other bytes under the same validator", wrong, "/x", "\"1\"", true, 2},
        {"other bytes, no validator", wrong, "/x", "", true, 2},
        {"more than there is", content + "more", "/x", "\"1\"", true, 2},
        {"all of it", content, "/x", "\"1\"", true, 2},
        {"of another address", half, "/y", "\"1\"", false, 1},
        {"neither validator nor digest", wrong, "/x", "", false, 1},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        LyingServer server(
            [](const Request& request, Line& line) { serve_content(request, line, "\"1\""); });
        const Target target;
        target.leave_part(row.part, server.url(row.from), row.validator);
        const auto digest = row.with_digest ? std::optional{digest_of(content)} : std::nullopt;
        CHECK(target.fetch(server.url("/x"), digest).why.empty());
        CHECK(target.fetched() == content);
        CHECK(std::ssize(server.requests()) == row.requests);
    }
}

TEST_CASE("a server that ignores the range, or the condition, does no harm") {
    struct Row {
        std::string name;
        LyingServer::Handler handler;
    };
    const Row rows[] = {
        {"sends everything", [](const Request&, Line& line) { line.answer("200 OK", content); }},
        {"ignores If-Range of a changed file",
         [](const Request& request, Line& line) {
             auto careless = request;
             careless.headers.erase("if-range");
             serve_content(careless, line, "\"new\"");
         }},
        {"sends another part",
         [](const Request& request, Line& line) {
             if (request.header("range").empty()) return line.answer("200 OK", content);
             line.answer("206 Partial Content", content.substr(1),
                         "Content-Range: bytes 1-99999/100000\r\n");
         }},
        {"says nothing of which part",
         [](const Request& request, Line& line) {
             if (request.header("range").empty()) return line.answer("200 OK", content);
             line.answer("206 Partial Content", content.substr(50'000));
         }},
        {"sends less than the rest",
         [](const Request& request, Line& line) {
             if (request.header("range").empty()) return line.answer("200 OK", content);
             line.answer("206 Partial Content", content.substr(50'000, 10),
                         "Content-Range: bytes 50000-50009/100000\r\n");
         }},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        LyingServer server(row.handler);
        const Target target;
        target.leave_part(std::string(50'000, '!'), server.url("/x"), "\"old\"");
        const auto failure = target.fetch(server.url("/x"), std::nullopt);
        CHECK(failure.why == "");
        CHECK(target.fetched() == content);
    }
}

TEST_CASE("trouble that passes is tried again, and what came is kept") {
    struct Row {
        std::string name;
        LyingServer::Handler first;
    };
    const Row rows[] = {
        {"503",
         [](const Request&, Line& line) { line.answer("503 Service Unavailable", "later"); }},
        {"hangs up", [](const Request&, Line&) {}},
        {"cuts", [](const Request&, Line& line) { line.send(ok_head(content.size()) + half); }},
        {"stalls before the head", [](const Request&, Line& line) { line.stall(); }},
        {"stalls in the body",
         [](const Request&, Line& line) {
             line.send(ok_head(content.size()) + half);
             line.stall();
         }},
        {"cuts a chunk",
         [](const Request&, Line& line) {
             line.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n" + half);
         }},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        std::atomic<int> count = 0;
        LyingServer server([&](const Request& request, Line& line) {
            count++ == 0 ? row.first(request, line) : serve_content(request, line, "\"1\"");
        });
        const Target target;
        auto policy = local_policy();
        if (row.name.starts_with("stalls")) policy.stall_timeout = 1s;
        const auto failure = target.fetch(server.url("/x"), digest_of(content), policy);
        CHECK(failure.why == "");
        CHECK(target.fetched() == content);
        const auto requests = server.requests();
        REQUIRE(requests.size() == 2);
        const bool sent_half = contains(row.name, "cuts") || contains(row.name, "body");
        CHECK(requests[1].header("range").empty() == !sent_half);
    }
}

TEST_CASE("a server that lies is found out, and nothing is left under the file's name") {
    struct Row {
        std::string name;
        LyingServer::Handler handler;
        sys::Kind kind;
        std::string why;
        std::string files;
        std::ptrdiff_t requests;
    };
    const auto promise = [](std::size_t length, const std::string& body) {
        return [=](const Request&, Line& line) { line.send(ok_head(length) + body); };
    };
    const auto status = [](const std::string& text) {
        return [=](const Request&, Line& line) { line.answer(text, "sorry"); };
    };
    const auto redirect = [](const std::string& to) {
        return [=](const Request&, Line& line) {
            line.answer("302 Found", "", "Location: " + to + "\r\n");
        };
    };
    const Row rows[] = {
        {"wrong bytes", promise(3, "abc"), sys::Kind::invalid, "has the digest sha256:ba7816bf", "",
         1},
        {"promises less than it sends", promise(3, content), sys::Kind::invalid, "digest", "", 1},
        {"promises more than it may", promise(1 << 21, "abc"), sys::Kind::invalid, "1048576 bytes",
         "", 1},
        {"never ends",
         [](const Request&, Line& line) {
             line.send("HTTP/1.1 200 OK\r\n\r\n");
             while (line.send(content)) {
             }
         },
         sys::Kind::invalid, "1048576 bytes", "", 1},
        {"never sends all", promise(200'000, content), sys::Kind::broken, "",
         " file.part file.part.from", 3},
        {"404", status("404 Not Found"), sys::Kind::not_found, "HTTP status 404", "", 1},
        {"403", status("403 Forbidden"), sys::Kind::broken, "HTTP status 403", "", 1},
        {"500 for ever", status("500 Internal Server Error"), sys::Kind::broken, "HTTP status 500",
         "", 3},
        {"204", status("204 No Content"), sys::Kind::broken, "HTTP status 204", "", 1},
        {"no HTTP", [](const Request&, Line& line) { line.send("hello\r\n\r\n"); },
         sys::Kind::broken, "", "", 1},
        {"circle", redirect("/x"), sys::Kind::broken, "more than 5 times", "", 6},
        {"to a file", redirect("file:///etc/passwd"), sys::Kind::invalid,
         "nobody may redirect there", "", 1},
        {"to another scheme", redirect("ftp://127.0.0.1/x"), sys::Kind::invalid, "scheme \"ftp\"",
         "", 1},
        {"to another host", redirect("http://elsewhere.example/x"), sys::Kind::invalid,
         "host elsewhere.example", "", 1},
        {"nowhere", redirect(""), sys::Kind::broken, "HTTP status 302", "", 1},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        LyingServer server(row.handler);
        const Target target;
        auto policy = local_policy();
        policy.allowed_hosts = {"127.0.0.1"};
        const auto failure = target.fetch(server.url("/x"), digest_of("right"), policy);
        CAPTURE(failure.why);
        CHECK(failure.kind == row.kind);
        CHECK_FALSE(failure.why.empty());
        CHECK(contains(failure.why, row.why));
        CHECK(contains(failure.why, "127.0.0.1"));
        CHECK(target.files() == row.files);
        if (row.name != "nowhere") CHECK(std::ssize(server.requests()) == row.requests);
    }
}

TEST_CASE("a redirect is followed to where the policy allows, without the password") {
    LyingServer server([](const Request& request, Line& line) {
        if (request.target == "/start")
            return line.answer("301 Moved", "", "Location: next?q=1\r\n");
        if (request.target == "/next?q=1") {
            const auto host = request.header("host");
            const auto port = host.substr(host.find(':'));
            return line.answer("307 Moved", "", "Location: http://localhost" + port + "/end\r\n");
        }
        line.answer("200 OK", content);
    });
    const Target target;
    auto url = server.url("/start", "user:secret@127.0.0.1");
    CHECK(target.fetch(url, digest_of(content)).why == "");
    CHECK(target.fetched() == content);
    const auto requests = server.requests();
    REQUIRE(requests.size() == 3);
    CHECK(requests[0].header("authorization") == "Basic dXNlcjpzZWNyZXQ=");
    CHECK(requests[2].header("authorization").empty());

    auto policy = local_policy();
    policy.allowed_hosts = {"127.0.0.1"};
    const auto failure = target.fetch(url, {}, policy);
    CHECK(contains(failure.why, "host localhost"));
    CHECK_FALSE(contains(failure.why, "secret"));
    CHECK_FALSE(contains(failure.why, "q=1"));
}

TEST_CASE("an address that is not public is refused when it is connected to, and not before") {
    LyingServer server([](const Request&, Line& line) { line.answer("200 OK", content); });
    for (const std::string host : {"127.0.0.1", "localhost", "2130706433", "0x7f.1", "0.0.0.0"}) {
        CAPTURE(host);
        const Target target;
        auto policy = local_policy();
        policy.allow_private_addresses = false;
        const auto failure = target.fetch(server.url("/", host), {}, policy);
        CAPTURE(failure.why);
        CHECK(failure.kind == sys::Kind::invalid);
        CHECK(contains(failure.why, "not public"));
        CHECK(target.files().empty());
    }
    CHECK(server.requests().empty());
}

TEST_CASE("an address the policy forbids is not asked at all") {
    LyingServer server([](const Request&, Line& line) { line.answer("200 OK", content); });
    const Target target;
    const auto failure = target.fetch(
        server.url("/"), {}, {.allow_private_addresses = true, .allowed_hosts = {"a.example"}});
    CHECK(failure.kind == sys::Kind::invalid);
    CHECK_THROWS_AS(packages::fetch_text(server.url("/"), {.schemes = {"https"}}, 1000, {}),
                    sys::Error);
    CHECK(server.requests().empty());
    CHECK(target.files().empty());
}

TEST_CASE("a file of this machine is copied, if it is one") {
    const Target source, target;
    std::ofstream{source.path()} << content;
    CHECK(target.fetch("file://" + source.path(), digest_of(content)).why == "");
    CHECK(target.fetched() == content);
    CHECK(target.files() == " file");
    CHECK(contains(target.fetch("file://" + source.path(), digest_of("x")).why, "digest"));
    CHECK(
        contains(target.fetch("file://" + source.path(), {}, local_policy(), 10).why, "10 bytes"));
    CHECK(target.fetch("file://" + source.path() + "-not", {}).kind == sys::Kind::not_found);
    CHECK(contains(target.fetch("file:///dev/zero", {}).why, "no plain file"));
    CHECK(contains(target.fetch("file://elsewhere.example" + source.path(), {}).why, "elsewhere"));
    CHECK(target.fetched() == content);
}

TEST_CASE("a zip has to have Go's digest, and what is no zip has none") {
    const auto zip = support::make_zip({{.name = "m@v1/a.go", .content = "package a\n"}});
    LyingServer server([&](const Request& request, Line& line) {
        line.answer("200 OK", request.target == "/zip" ? zip : content);
    });
    const Target target;
    const auto expected = packages::parse_digest("h1:p1GCxKgcfzkbCBrYMDlCER76gFZysNQ8suHhsO4yeWY=");
    CHECK(target.fetch(server.url("/zip"), expected).why == "");
    fs::remove(target.path());
    CHECK(target.fetch(server.url("/other"), expected).kind == sys::Kind::invalid);
    CHECK(target.files().empty());
}

TEST_CASE("a download that is not wanted any more ends soon and can go on later") {
    LyingServer server([](const Request&, Line& line) {
        line.send(ok_head(content.size()) + half);
        line.stall();
    });
    const Target target;
    auto policy = local_policy();
    policy.stall_timeout = 10min;
    std::stop_source stop;
    const auto stop_at_half = [&](std::uint64_t received, std::uint64_t) {
        if (received == half.size()) stop.request_stop();
    };
    try {
        packages::fetch({server.url("/"), target.path(), {}}, policy, stop_at_half,
                        stop.get_token());
        FAIL("it came to an end");
    } catch (const sys::Error& error) {
        CHECK(error.kind() == sys::Kind::busy);
    }
    CHECK(target.files() == " file.part file.part.from");
}

TEST_CASE("two downloads to one target do not mix") {
    LyingServer server([](const Request&, Line& line) { line.answer("200 OK", content); });
    const Target target;
    {
        const auto other = packages::PartFile(target.path(), server.url("/"));
        CHECK(target.fetch(server.url("/"), {}).kind == sys::Kind::busy);
    }
    CHECK(target.fetch(server.url("/"), {}).why == "");
}

TEST_CASE("a small document comes as text, within its limit") {
    std::atomic<int> count = 0;
    LyingServer server([&](const Request& request, Line& line) {
        if (request.target == "/missing") return line.answer("404 Not Found", "no");
        if (count++ > 0) return line.answer("200 OK", "hello");
        line.send(ok_head(5) + "he");
    });
    CHECK(packages::fetch_text(server.url("/"), local_policy(), 5, {}) == "hello");
    CHECK(count == 2);
    CHECK_THROWS_WITH_AS(packages::fetch_text(server.url("/"), local_policy(), 4, {}),
                         doctest::Contains("4 bytes"), sys::Error);
    CHECK_THROWS_WITH_AS(packages::fetch_text(server.url("/missing"), local_policy(), 4, {}),
                         doctest::Contains("404"), sys::Error);
}
