// Puts a stage's output together from its pieces: both streams, and their order if both are used.
#pragma once

#include <cstddef>
#include <string_view>

#include "engine/events.h"
#include "engine/result.h"

namespace engine {

class Collector {
public:
    explicit Collector(Output& output) : output_(output) {}

    void take(Stream stream, std::string_view bytes) {
        auto& own = stream == Stream::out ? output_.out : output_.err;
        const auto& other = stream == Stream::out ? output_.err : output_.out;
        if (output_.both.empty() && !other.empty()) output_.both = other;
        if (!output_.both.empty()) output_.both.append(bytes);
        // Who fills a whole pipe at once will go on: growing by doubling would copy it all over
        // again.
        if (own.empty() && bytes.size() >= large_chunk) own.reserve(large_output);
        own.append(bytes);
    }

private:
    static constexpr std::size_t large_chunk = std::size_t{1} << 16;
    static constexpr std::size_t large_output = std::size_t{1} << 20;

    Output& output_;
};

}  // namespace engine
