#include <doctest/doctest.h>
#include <zlib.h>

#include <string>

#include "api/http/connection.h"
#include "api/http/inflate.h"

using http::Coding;
using http::Inflation;

namespace {

std::string compress(Coding coding, std::string text) {
    auto stream = z_stream{};
    const auto window = coding == Coding::gzip ? 15 + 16 : 15;
    REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    auto out = std::string(text.size() + 1024, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(text.data());
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

}  // namespace

TEST_CASE("compressed bodies come out as they went in, up to the limit") {
    const auto text = std::string(100'000, 'a') + "end";
    for (const auto coding : {Coding::gzip, Coding::deflate}) {
        CAPTURE(static_cast<int>(coding));
        const auto small = compress(coding, text);
        auto plain = std::string{};
        CHECK(http::inflate(coding, small, text.size(), plain) == Inflation::complete);
        CHECK(plain == text);
        CHECK(http::inflate(coding, small, text.size() - 1, plain) == Inflation::too_large);
    }
}

TEST_CASE("gzip may have several members and deflate may not") {
    auto plain = std::string{};
    const auto zipped = compress(Coding::gzip, "one ") + compress(Coding::gzip, "two");
    CHECK(http::inflate(Coding::gzip, zipped, 100, plain) == Inflation::complete);
    CHECK(plain == "one two");
    const auto deflated = compress(Coding::deflate, "one") + "rest";
    CHECK(http::inflate(Coding::deflate, deflated, 100, plain) == Inflation::malformed);
}

TEST_CASE("what is broken or cut short is malformed") {
    const auto good = compress(Coding::gzip, "hello hello hello");
    auto plain = std::string{};
    CHECK(http::inflate(Coding::gzip, "hello", 100, plain) == Inflation::malformed);
    CHECK(http::inflate(Coding::deflate, good, 100, plain) == Inflation::malformed);
    for (std::size_t size = 0; size < good.size(); ++size) {
        CAPTURE(size);
        CHECK(http::inflate(Coding::gzip, std::string_view(good).substr(0, size), 100, plain) ==
              Inflation::malformed);
    }
}

TEST_CASE("a request arrives unpacked, and a bomb is refused as too large") {
    const auto send = [](const std::string& body) {
        auto connection = http::Connection({.header = {1024}, .body = {5000}});
        const auto outcome = connection.receive(
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\nContent-Length: " +
            std::to_string(body.size()) + "\r\n\r\n" + body);
        if (outcome == http::Connection::Outcome::request) return connection.take().body;
        return connection.refusal().body;
    };
    CHECK(send(compress(Coding::gzip, "{}")) == "{}");
    CHECK(send(compress(Coding::gzip, std::string(1'000'000, ' '))).find("PayloadTooLarge") !=
          std::string::npos);
    CHECK(send("not gzip").find("Content-Encoding") != std::string::npos);
}
