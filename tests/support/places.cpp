#include "tests/support/places.h"

#include <cstdlib>

namespace support {

int places() {
    constexpr int usual = 2;
    const char* const variable = std::getenv("CRANKCASE_WARM_PARKED");
    return variable ? std::atoi(variable) : usual;
}

}  // namespace support
