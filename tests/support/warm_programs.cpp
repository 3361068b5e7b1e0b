#include "tests/support/warm_programs.h"

#include <filesystem>
#include <sstream>

#include "isolate/sys/file.h"

namespace support {

std::vector<WarmProgram> warm_programs_of(const std::string& language) {
    const auto folder = std::filesystem::path(__FILE__).parent_path().parent_path() / "warm";
    std::istringstream lines{sys::read_file((folder / (language + ".txt")).string())};
    std::vector<WarmProgram> programs;
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("=== ")) {
            programs.push_back({.name = line.substr(4), .code = {}, .input = {}});
        } else if (!programs.empty() && programs.back().code.empty() && line.starts_with("<<< ")) {
            programs.back().input += line.substr(4) + "\n";
        } else if (!programs.empty()) {
            programs.back().code += line + "\n";
        }
    }
    return programs;
}

}  // namespace support
