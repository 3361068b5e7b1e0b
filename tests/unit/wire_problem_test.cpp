#include <doctest/doctest.h>

#include <new>
#include <stdexcept>

#include "api/wire/problem.h"
#include "api/wire/syntax_error.h"

TEST_CASE("each kind of error has its status, and clients never see what broke") {
    using sys::Error;
    using sys::Kind;
    CHECK(wire::problem_of(Error(Kind::invalid, "say \"what\""), "7") ==
          wire::Problem{400, R"({"message":"say \"what\""})"});
    CHECK(wire::problem_of(Error(Kind::not_found, "no such package"), "7") ==
          wire::Problem{404, R"({"message":"no such package"})"});
    CHECK(wire::problem_of(Error(Kind::busy, "the queue is full"), "7") ==
          wire::Problem{429, R"({"message":"the queue is full"})"});
    CHECK(wire::problem_of(Error(Kind::broken, "cannot open /secret"), "7f3a") ==
          wire::Problem{500, R"({"message":"Internal error 7f3a"})"});
    CHECK(wire::problem_of(std::bad_alloc(), "8").body == R"({"message":"Internal error 8"})");
    CHECK(wire::problem_of(std::runtime_error("secret"), "8").status == 500);
}

TEST_CASE("malformed JSON is answered with a stack as well as a message") {
    const auto problem = wire::problem_of(wire::explain_syntax("{\"a\":\n nope}", "bad"), "7");
    CHECK(problem.status == 400);
    CHECK(problem.body == R"({"stack":"SyntaxError: invalid literal at line 2, column 3",)"
                          R"("message":"SyntaxError: invalid literal at line 2, column 3"})");
}

TEST_CASE("a complaint stands where no other place is found") {
    CHECK(std::string(wire::explain_syntax("{}", "nested too deep").what()) ==
          "SyntaxError: nested too deep");
}

TEST_CASE("a message is JSON whatever it says") {
    CHECK(wire::encode_message("Not Found") == R"({"message":"Not Found"})");
    CHECK(wire::encode_message("\xff\n") == "{\"message\":\"\xEF\xBF\xBD\\n\"}");
}
