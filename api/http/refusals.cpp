#include "api/http/refusals.h"

namespace http {

void RefusalCounts::count(int status) {
    switch (status) {
        case 408:
            ++too_slow_;
            return;
        case 413:
        case 414:
        case 431:
            ++too_large_;
            return;
        case 429:
        case 503:
            ++too_many_;
            return;
        default:
            ++malformed_;
    }
}

Refusals RefusalCounts::values() const {
    return {malformed_, too_large_, too_slow_, too_many_};
}

}  // namespace http
