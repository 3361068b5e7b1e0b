// The posture probe: says everything that a program can see of the place it runs in, one fact a
// line. tests/posture/expected.txt says what it has to be in a box.
//
//   posture_probe             in a box
//   posture_probe outside     on a host, as the negative control
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <sstream>
#include <string>

#include "tests/posture/say.h"

namespace posture {

void say(const std::string& key, const std::string& value) {
    auto line = key;
    for (auto& c : line) {
        if (c == ' ') c = '_';
    }
    line += ' ' + value;
    for (auto& c : line) {
        if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = '?';
    }
    std::puts(line.c_str());
}

std::string name_of_error(int error) {
    if (error == 0) return "ok";
    const char* name = ::strerrorname_np(error);
    return name != nullptr ? name : std::to_string(error);
}

std::string contents(const std::string& path) {
    std::string text;
    std::FILE* file = std::fopen(path.c_str(), "re");
    if (file == nullptr) return text;
    char chunk[4096];
    for (std::size_t got = 0; (got = std::fread(chunk, 1, sizeof chunk, file)) > 0;)
        text.append(chunk, got);
    std::fclose(file);
    return text;
}

std::string line_of(const std::string& path) {
    std::istringstream words{contents(path)};
    std::string line;
    for (std::string word; words >> word;) line += (line.empty() ? "" : " ") + word;
    return line;
}

}  // namespace posture

int main(int argc, char** argv) {
    const bool is_outside = argc > 1 && std::strcmp(argv[1], "outside") == 0;
    const auto place = is_outside ? posture::Place::outside : posture::Place::box;
    posture::tell_process();
    posture::tell_surroundings(place);
    posture::tell_files(place);
    posture::say("end", "of posture");
    return 0;
}
