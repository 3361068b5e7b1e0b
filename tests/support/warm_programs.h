// The programs of tests/warm, which must say the same from a cold start and in what stood ready.
#pragma once

#include <string>
#include <vector>

namespace support {

struct WarmProgram {
    std::string name, code, input;
};

// Those of the file <language>.txt; tests/warm/README.md says how it reads.
std::vector<WarmProgram> warm_programs_of(const std::string& language);

}  // namespace support
