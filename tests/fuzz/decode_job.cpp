// Coverage-guided fuzzing of the decoder of requests, for clang's
// -fsanitize=fuzzer,address,undefined. Whatever the bytes, a job comes out that the engine may
// trust, or sys::Error{invalid}.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "api/wire/job.h"
#include "isolate/sys/error.h"

namespace {

engine::Runtimes one_runtime() {
    engine::Runtime python;
    python.language = "python";
    python.version = "3.11.2";
    python.aliases = {"py"};
    return {{std::make_shared<const engine::Runtime>(python)}};
}

void expect(bool holds) {
    if (!holds) std::abort();
}

using Decode = engine::Job (*)(const std::string& body, const engine::Runtimes& runtimes);

void try_to_decode(const std::string& body, Decode decode) {
    static const auto runtimes = one_runtime();
    try {
        const auto job = decode(body, runtimes);
        expect(!job.files.empty() && job.stdin_text.ends_with('\n'));
        for (const auto& file : job.files) engine::check_file_name(file.name);
        expect(job.limits.run.wall_time <= job.runtime->limits.run.wall_time);
        expect(job.limits.run.memory <= job.runtime->limits.run.memory);
    } catch (const sys::Error& error) {
        expect(error.kind() == sys::Kind::invalid);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // The same bytes as text; char may alias anything.
    const std::string body{reinterpret_cast<const char*>(data), size};
    try_to_decode(body, [](const std::string& text, const engine::Runtimes& runtimes) {
        return wire::decode_job(text, runtimes, wire::Dialect::piston);
    });
    try_to_decode(body, [](const std::string& text, const engine::Runtimes& runtimes) {
        return wire::decode_job(text, runtimes, wire::Dialect::facade);
    });
    try_to_decode(body, wire::decode_v1_job);
    return 0;
}
