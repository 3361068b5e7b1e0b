#include "engine/observer.h"

namespace engine {

std::string_view name(Start start) {
    switch (start) {
        case Start::cold:
            return "cold";
        case Start::warm:
            return "warm";
        case Start::fork:
            return "fork";
    }
    __builtin_unreachable();
}

std::string_view outcome(const JobEnd& end) {
    if (!end.trouble) {
        const auto& result = end.result;
        if (!result.run && !result.compile) return name(Verdict::broken);
        return name(result.run ? result.run->verdict : result.compile->verdict);
    }
    switch (*end.trouble) {
        case sys::Kind::invalid:
        case sys::Kind::not_found:
            return "invalid";
        case sys::Kind::busy:
            return name(Verdict::canceled);
        case sys::Kind::broken:
            return name(Verdict::broken);
    }
    __builtin_unreachable();
}

std::optional<Stage> broken_stage(const JobEnd& end) {
    if (!end.trouble || !end.until_begun) return std::nullopt;
    const auto& result = end.result;
    return result.runtime->compiled() && !result.compile ? Stage::compile : Stage::run;
}

}  // namespace engine
