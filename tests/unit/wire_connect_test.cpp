#include <doctest/doctest.h>

#include <random>
#include <string>
#include <variant>

#include "api/wire/connect.h"
#include "isolate/sys/error.h"

namespace {

using wire::decode_client_message;

template <typename Kind>
Kind decoded(const std::string& text) {
    const auto message = decode_client_message(text);
    REQUIRE(std::holds_alternative<Kind>(message));
    return std::get<Kind>(message);
}

std::string complaint(const std::string& text) {
    try {
        decode_client_message(text);
    } catch (const sys::Error& error) {
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("a client's messages are told apart by their type") {
    CHECK_FALSE(decoded<wire::Init>(R"({"type":"init","language":"x"})").terminal);
    CHECK(decoded<wire::Init>(R"({"type":"init","pty":true})").terminal->columns == 80);
    CHECK(decoded<wire::Init>(R"({"type":"init","pty":{"rows":50,"cols":132}})").terminal->rows ==
          50);
    CHECK_FALSE(decoded<wire::Init>(R"({"type":"init","pty":false})").terminal);
    const auto data = decoded<wire::Data>(R"({"type":"data","stream":"stdin","data":"h\u00e9\n"})");
    CHECK(data.is_stdin);
    CHECK(data.bytes == "h\u00e9\n");
    CHECK_FALSE(data.is_end);
    CHECK(decoded<wire::Data>(R"({"type":"data","stream":"stdin","eof":true})").is_end);
    CHECK_FALSE(decoded<wire::Data>(R"({"type":"data","stream":"stdout","data":"x"})").is_stdin);
    CHECK(decoded<wire::Signal>(R"({"type":"signal","signal":"SIGTERM"})").number == 15);
    CHECK_FALSE(decoded<wire::Signal>(R"({"type":"signal","signal":15})").number);
    CHECK_FALSE(decoded<wire::Signal>(R"({"type":"signal","signal":"TERM"})").number);
    CHECK(decoded<wire::Resize>(R"({"type":"resize","rows":1,"cols":2})").size.columns == 2);
    for (const std::string unknown : {R"({"type":"hello"})", "{}", "[]", "5", R"({"type":7})"}) {
        CAPTURE(unknown);
        CHECK(std::holds_alternative<wire::Ignored>(decode_client_message(unknown)));
    }
}

TEST_CASE("what cannot be meant is refused with the name of the field") {
    CHECK(complaint(R"({"type":"data","stream":"stdin","data":null})") ==
          "data is required as a string");
    CHECK(complaint(R"({"type":"data","stream":"stdin","data":5})") ==
          "data is required as a string");
    CHECK(complaint(R"({"type":"data","stream":"stdin"})") == "data is required as a string");
    CHECK(complaint(R"({"type":"resize","rows":0,"cols":2})") ==
          "rows is required as a number from 1 to 10000");
    CHECK(complaint(R"({"type":"init","pty":{"rows":20}})") ==
          "cols is required as a number from 1 to 10000");
    CHECK(complaint(R"({"type":"init","pty":"yes"})") ==
          "If specified, pty must be true, false or an object with rows and cols");
    CHECK(complaint("{").starts_with("SyntaxError: "));
}

TEST_CASE("characters that were cut on their way are joined again") {
    wire::CharacterJoiner joiner;
    const std::string text = "h\u00e9llo \u4e16\u754c \U0001F600";
    std::string joined;
    for (const char byte : text) joined += joiner.take(std::string(1, byte));
    CHECK(joined == text);
    CHECK(joiner.rest().empty());
    CHECK(joiner.take("a\xe4\xb8") == "a");
    CHECK(joiner.rest() == "\xe4\xb8");
    CHECK(joiner.rest().empty());
}

TEST_CASE("what is told is Piston's objects, and more keys behind them") {
    engine::StageResult killed;
    killed.verdict = engine::Verdict::wall_timed_out;
    killed.signal = 9;
    killed.wall_time = std::chrono::microseconds{3000500};
    killed.cpu_time = std::chrono::microseconds{12000};
    killed.memory = {4096};
    CHECK(wire::typed_object("exit", wire::exit_fields(engine::Stage::run, killed)) ==
          R"json({"type":"exit","stage":"run","code":null,"signal":"SIGKILL","status":"TO",)json"
          R"json("message":"Time limit exceeded (wall clock)","cpu_time":12,)json"
          R"json("wall_time":3000.5,"memory":4096})json");
    CHECK(wire::typed_object("stage", wire::stage_fields(engine::Stage::compile)) ==
          R"({"type":"stage","stage":"compile"})");
    CHECK(wire::typed_object("error", wire::error_fields("a \"b\"")) ==
          R"({"type":"error","message":"a \"b\""})");
    engine::Runtime runtime;
    runtime.language = "python";
    runtime.version = "3.11.2";
    CHECK(wire::typed_object("runtime", wire::runtime_fields(runtime)) ==
          R"({"type":"runtime","language":"python","version":"3.11.2"})");
}

TEST_CASE("a damaged message is understood or refused") {
    auto random = std::mt19937{20261121};  // fixed, so that a failure can be repeated
    const std::string seed =
        R"({"type":"data","stream":"stdin","data":"x","eof":true,"rows":20,"cols":80,"pty":{}})";
    int understood = 0;
    int refused = 0;
    for (int round = 0; round < 5000; ++round) {
        CAPTURE(round);
        auto text = seed;
        for (int change = 0; change < 2; ++change)
            text[random() % text.size()] = "{}[]\":,\\0t\x80\xff"[random() % 12];
        try {
            decode_client_message(text);
            ++understood;
        } catch (const sys::Error& error) {
            REQUIRE(error.kind() == sys::Kind::invalid);
            ++refused;
        }
    }
    CHECK(understood > 0);
    CHECK(refused > 0);
}
