// Where the server listens and whom it turns away: caps of one address, Unix sockets.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "api/cli/rest.h"
#include "api/http/server.h"
#include "api/http/unix_socket.h"
#include "isolate/sys/error.h"
#include "tests/support/http_client.h"

using support::HttpClient;

namespace {

void tell_client(const std::shared_ptr<http::Exchange>& exchange) {
    exchange->answer({.body = exchange->request().client});
}

std::string socket_path() {
    return std::filesystem::temp_directory_path() /
           ("crankcase-" + std::to_string(::getpid()) + ".sock");
}

}  // namespace

TEST_CASE("an address that has all its connections is told so, and gets another when one ends") {
    http::Server server{{.listen = "127.0.0.1:0", .connections_per_address = 2, .uncapped = {}},
                        tell_client};
    HttpClient first{server.port()};
    HttpClient second{server.port()};
    for (auto* client : {&first, &second}) {
        client->send(support::get("/"));
        REQUIRE(client->read_answer());
    }
    HttpClient third{server.port()};
    const auto refused = third.read_answer();
    REQUIRE(refused);
    CHECK(refused->status == 429);
    CHECK(refused->body.find("server.connections_per_address") != std::string::npos);
    CHECK(refused->field("Retry-After") == "1");
    CHECK(third.ended());
    first.close();
    std::optional<support::RawAnswer> answer;
    for (int i = 0; i < 1000 && (!answer || answer->status != 200); ++i) {
        HttpClient next{server.port()};
        next.send(support::get("/"));
        answer = next.read_answer();
    }
    REQUIRE(answer);
    CHECK(answer->status == 200);
}

TEST_CASE("a Unix socket is served beside a port, and its client is the user") {
    const auto path = socket_path();
    {
        http::Server server{{.listen = "127.0.0.1:0"},
                            tell_client,
                            http::listen_on_path(path, {.owner = 0, .group = 0, .mode = 0600})};
        const cli::Rest rest{"unix:" + path, ""};
        CHECK(rest.get("/", {}).body == "uid:" + std::to_string(::getuid()));
        HttpClient client{server.port()};
        client.send(support::get("/"));
        const auto answer = client.read_answer();
        REQUIRE(answer);
        CHECK(answer->body == "127.0.0.1");
        struct stat status {};
        REQUIRE(::stat(path.c_str(), &status) == 0);
        CHECK((status.st_mode & 07777) == 0600);
        CHECK_THROWS_AS(http::listen_on_path(path, {}), sys::Error);
        http::remove_dead_socket(path);
        CHECK(std::filesystem::exists(path));
    }
    // What was left is taken over, or goes.
    { const auto again = http::listen_on_path(path, {}); }
    http::remove_dead_socket(path);
    CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("a server may listen on a Unix socket alone, but not on nothing") {
    const auto path = socket_path();
    CHECK_THROWS_AS((http::Server{{.listen = "none"}, tell_client}), sys::Error);
    http::Server server{{.listen = "none"}, tell_client, http::listen_on_path(path, {})};
    CHECK(server.port() == 0);
    CHECK(cli::Rest("unix:" + path, "").get("/", {}).status == 200);
    std::filesystem::remove(path);
}
