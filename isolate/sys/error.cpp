#include "isolate/sys/error.h"

#include <cstring>

namespace sys {

std::string describe(int error_number) {
    char buffer[128];
    return ::strerror_r(error_number, buffer, sizeof buffer);
}

void fail(const std::string& what, int error_number) {
    throw Error(Kind::broken, what + ": " + describe(error_number));
}

}  // namespace sys
