#include "tests/support/toy_recipe.h"

#include <filesystem>
#include <fstream>

#include "packages/digest.h"
#include "tests/support/archive_maker.h"

namespace support {

void add_toy_recipe(const std::string& place, const std::string& name, std::size_t bytes) {
    std::filesystem::create_directories(place + "/recipes");
    const auto archive = place + "/" + name + ".tar";
    const auto tar =
        make_tar({{.name = "opt/" + name + "/data", .content = std::string(bytes, 'x')}});
    std::ofstream{archive, std::ios::binary} << tar;
    packages::Hasher hasher{packages::Digest::Algorithm::sha256};
    hasher.update(tar);
    std::ofstream{place + "/recipes/" + name + ".toml"}
        << "name = \"" << name << "\"\nversion = \"1.0.0\"\nsummary = \"x\"\n[[source]]\n"
        << "url = \"file://" << archive << "\"\ndigest = \"" << to_string(hasher.finish())
        << "\"\n";
}

}  // namespace support
