// An engine inside this process: a keeper as it was built, beside this program, with a pool and an
// engine of ours on it. For what the engine offers to its callers and no wire shows.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "engine/engine.h"
#include "isolate/keeper_process.h"
#include "isolate/pool.h"

namespace support {

class LocalEngine {
public:
    // Starts the containers; the first job waits for them. Throws sys::Error if there is no keeper.
    explicit LocalEngine(int runners = 1);
    LocalEngine(const LocalEngine&) = delete;
    LocalEngine& operator=(const LocalEngine&) = delete;
    // Waits until the keeper has swept.
    ~LocalEngine();

    engine::Engine& engine() { return *engine_; }

    // What its cgroups are called by.
    const std::string& instance() const { return instance_; }

    // Where layers are made by hand: what Runtime::layers names is a directory there.
    std::string layers_directory() const { return directory_ + "/data/layers"; }

    // The serial of the container that would serve the next job. The same as before: it was not
    // thrown away in between.
    std::uint32_t serial_of_next();

private:
    std::string instance_, directory_;
    isolate::KeeperProcess keeper_;
    sys::UniqueFd keepers_;  // where the pool would get another keeper from
    std::unique_ptr<isolate::Pool> pool_;
    std::unique_ptr<engine::Engine> engine_;
};

// A runtime that starts a program of the host with the main file and the arguments.
std::shared_ptr<const engine::Runtime> plain_runtime(const std::string& program);

}  // namespace support
