#include "isolate/command.h"

#include "isolate/gate/word.h"

namespace isolate {

void add_gate(Command& command, std::string_view main) {
    command.environment.push_back(std::string{"LD_PRELOAD="} + gate::library);
    command.environment.push_back(std::string{gate::variable} + "=" + std::string{main});
}

void give(Command& command, std::string_view variable) {
    command.environment.push_back(std::string{gate::given} + "=" + std::string{variable});
}

}  // namespace isolate
