// Seeded damage to texts, for parsers that must survive whatever they are given.
#pragma once

#include <cstddef>
#include <random>
#include <string>
#include <string_view>

namespace support {

// Changes the text in one or two places: other bytes, or a part missing, doubled or moved. The
// telling characters are those that mean something to the parser.
inline std::string mutated(std::string text, std::string_view telling, std::mt19937& random) {
    const auto below = [&](std::size_t limit) {
        return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
    };
    for (auto changes = 1 + below(2); changes > 0 && !text.empty(); --changes) {
        const auto place = below(text.size());
        const auto part = text.substr(place, 1 + below(24));
        switch (below(5)) {
            case 0:
                text[place] = telling[below(telling.size())];
                break;
            case 1:
                text[place] = static_cast<char>(below(256));
                break;
            case 2:
                text.erase(place, part.size());
                break;
            case 3:
                text.insert(below(text.size()), part);
                break;
            case 4:
                text.insert(place, 1, telling[below(telling.size())]);
                break;
        }
    }
    return text;
}

}  // namespace support
