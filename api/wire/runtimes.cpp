#include "api/wire/runtimes.h"

#include "api/wire/json_text.h"

namespace wire {

namespace {

void append_runtime(std::string& to, const engine::Runtime& runtime) {
    to += R"({"language":)";
    append_json_text(to, runtime.language);
    to += R"(,"version":)";
    append_json_text(to, runtime.version);
    to += R"(,"aliases":[)";
    for (std::size_t i = 0; i < runtime.aliases.size(); ++i) {
        if (i > 0) to += ',';
        append_json_text(to, runtime.aliases[i]);
    }
    to += ']';
    if (runtime.package) {
        to += R"(,"runtime":)";
        append_json_text(to, *runtime.package);
    }
    to += '}';
}

}  // namespace

std::string encode_runtimes(const engine::Runtimes& runtimes) {
    std::string json = "[";
    for (std::size_t i = 0; i < runtimes.all.size(); ++i) {
        if (i > 0) json += ',';
        append_runtime(json, *runtimes.all[i]);
    }
    return json + ']';
}

}  // namespace wire
