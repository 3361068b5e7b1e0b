#include "engine/verdict.h"

namespace engine {

std::string_view name(Verdict verdict) {
    switch (verdict) {
        case Verdict::passed:
            return "passed";
        case Verdict::failed:
            return "failed";
        case Verdict::signaled:
            return "signaled";
        case Verdict::wall_timed_out:
            return "wall_timed_out";
        case Verdict::cpu_timed_out:
            return "cpu_timed_out";
        case Verdict::out_of_memory:
            return "out_of_memory";
        case Verdict::too_much_stdout:
            return "too_much_stdout";
        case Verdict::too_much_stderr:
            return "too_much_stderr";
        case Verdict::canceled:
            return "canceled";
        case Verdict::broken:
            return "broken";
    }
    __builtin_unreachable();
}

}  // namespace engine
