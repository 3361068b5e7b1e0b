// Files that do not fit into one message travel in a memfd (protocol.h).
#include <doctest/doctest.h>

#include "isolate/protocol.h"
#include "tests/support/engine_process.h"

TEST_CASE("a file of any size the body limit allows reaches the program whole") {
    const support::EngineProcess engine;
    constexpr auto inline_most = std::size_t{isolate::max_inline_payload};
    for (const auto size :
         {inline_most - 100, inline_most, inline_most + 1, std::size_t{5} << 20}) {
        CAPTURE(size);
        const std::string data(size, 'x');
        const auto result = engine.run(
            "bash", "wc -c <data",
            {{"files", {{{"content", "wc -c <data"}}, {{"name", "data"}, {"content", data}}}}});
        CHECK(result["run"]["stdout"] == std::to_string(size) + "\n");
    }
}
