// Coverage-guided fuzzing of the decoders of other services' requests, for clang's
// -fsanitize=fuzzer,address,undefined. Whatever the bytes, a job of one file comes out that its
// service would have run, or sys::Error{invalid}.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "api/dialects/base64_jobs.h"
#include "api/dialects/code_executor.h"
#include "api/dialects/mini_piston.h"
#include "isolate/sys/error.h"

namespace {

engine::Runtimes one_runtime() {
    engine::Runtime python;
    python.language = "python";
    python.version = "3.11.2";
    return {{std::make_shared<const engine::Runtime>(python)}};
}

void expect(bool holds) {
    if (!holds) std::abort();
}

template <typename Decode>
void try_to_decode(Decode decode) {
    static const auto runtimes = one_runtime();
    try {
        const auto job = decode(runtimes);
        expect(job.files.size() == 1);
        engine::check_file_name(job.files.front().name);
        expect(job.limits.run.memory <= config::CodeExecutor{}.max_memory);
        expect(job.total_time == config::unlimited_time ||
               job.total_time <= config::CodeExecutor{}.max_timeout);
    } catch (const sys::Error& error) {
        expect(error.kind() == sys::Kind::invalid);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // The same bytes as text; char may alias anything.
    const std::string body{reinterpret_cast<const char*>(data), size};
    using Runtimes = engine::Runtimes;
    try_to_decode([&](const Runtimes& all) { return dialects::decode_mini_job(body, all); });
    try_to_decode([&](const Runtimes& all) { return dialects::decode_base64_job(body, all, {}); });
    try_to_decode([&](const Runtimes& all) {
        return dialects::job_of(dialects::decode_code_executor(body), all, {});
    });
    return 0;
}
