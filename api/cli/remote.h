// A remote engine's packages over its REST interface: /api/v2/packages, as Piston has it.
#pragma once

#include "api/cli/backend.h"
#include "api/cli/rest.h"

namespace cli {

// The packages of GET /api/v2/packages. Throws sys::Error{broken} if it is not that. Pure.
std::vector<Listed> read_packages(const std::string& body);

class Remote final : public Backend {
public:
    // Asks until `stop`.
    Remote(Rest rest, std::stop_token stop);

    std::vector<Listed> list() override;
    // The engine tells nothing until it is done. Throws Failure{usage} for libraries: the interface
    // has no word for them.
    Done install(const packages::Request& request, const packages::ProgressSink& progress,
                 std::stop_token stop) override;
    Done uninstall(const packages::Request& request, const packages::ProgressSink& progress,
                   std::stop_token stop) override;

private:
    Rest rest_;
    std::stop_token stop_;
};

}  // namespace cli
