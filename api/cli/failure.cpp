#include "api/cli/failure.h"

#include "config/settings.h"
#include "isolate/sys/error.h"
#include "packages/digest.h"

namespace cli {

const char* const exit_codes_help =
    "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 busy or locked, 5 a digest or a\n"
    "verification is wrong, 77 not permitted, 130 stopped by ^C (143 by SIGTERM).\n"
    "`run` ends as its program does; see crankcase run --help.";

bool is_about_digest(std::string_view sentence) {
    return sentence.find("digest") != std::string_view::npos ||
           sentence.find("Checksum") != std::string_view::npos;
}

ExitCode exit_code_of(const std::exception& error) {
    if (const auto* failure = dynamic_cast<const Failure*>(&error)) return failure->code();
    if (dynamic_cast<const config::SettingsError*>(&error)) return ExitCode::usage;
    if (dynamic_cast<const packages::DigestError*>(&error)) return ExitCode::damaged;
    const auto* known = dynamic_cast<const sys::Error*>(&error);
    if (!known) return ExitCode::failed;
    switch (known->kind()) {
        case sys::Kind::not_found:
            return ExitCode::not_found;
        case sys::Kind::busy:
            return ExitCode::busy;
        case sys::Kind::invalid:
        case sys::Kind::broken:
            return ExitCode::failed;
    }
    return ExitCode::failed;
}

}  // namespace cli
