#include "api/audit/line.h"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <optional>
#include <string_view>
#include <utility>

#include "api/wire/json_text.h"
#include "packages/digest.h"

namespace audit {

namespace {

// Members of an object, one after the other.
class Writer {
public:
    void text(std::string_view key, std::string_view value) {
        name(key);
        wire::append_json_text(line_, value);
    }
    void text_or_null(std::string_view key, std::string_view value) {
        if (value.empty()) return plain(key, "null");
        text(key, value);
    }
    // A number, or anything else that is JSON already.
    void plain(std::string_view key, std::string_view value) {
        name(key);
        line_ += value;
    }
    void open(std::string_view key, char bracket) {
        if (!key.empty()) name(key);
        line_ += bracket;
    }
    void close(char bracket) { line_ += bracket; }
    void separate() { comma(); }

    std::string take() { return std::move(line_); }

private:
    void comma() {
        if (!line_.empty() && line_.back() != '{' && line_.back() != '[') line_ += ',';
    }
    void name(std::string_view key) {
        comma();
        wire::append_json_text(line_, key);
        line_ += ':';
    }

    std::string line_;
};

std::string time_stamp(Time now) {
    using namespace std::chrono;
    const auto time = system_clock::to_time_t(floor<std::chrono::seconds>(now));
    const auto since_epoch = floor<milliseconds>(now.time_since_epoch());
    std::tm parts{};
    ::gmtime_r(&time, &parts);
    char text[40];
    const auto length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    std::snprintf(text + length, sizeof text - length, ".%03dZ",
                  static_cast<int>(since_epoch.count() % 1000));
    return text;
}

std::string milliseconds(std::chrono::microseconds time) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3f", static_cast<double>(time.count()) / 1000);
    return text;
}

std::string code_digest(const engine::Job& job) {
    packages::Hasher hasher{packages::Digest::Algorithm::sha256};
    for (const auto& file : job.files)
        if (file.is_code) hasher.update(file.content);
    return to_string(hasher.finish());
}

void put_files(Writer& writer, const engine::Job& job) {
    writer.open("files", '[');
    const auto told = std::min(job.files.size(), most_files);
    for (std::size_t i = 0; i < told; ++i) {
        writer.separate();
        writer.open("", '{');
        writer.text("name", job.files[i].name);
        writer.plain("bytes", std::to_string(job.files[i].content.size()));
        writer.close('}');
    }
    writer.close(']');
    if (job.files.size() > told)
        writer.plain("more_files", std::to_string(job.files.size() - told));
}

void put_stage(Writer& writer, std::string_view stage,
               const std::optional<engine::StageResult>& result) {
    if (!result) return;
    const auto number = [](const std::optional<int>& value) {
        return value ? std::to_string(*value) : "null";
    };
    writer.open(stage, '{');
    writer.text("verdict", engine::name(result->verdict));
    writer.plain("code", number(result->exit_code));
    writer.plain("signal", number(result->signal));
    writer.plain("wall_ms", milliseconds(result->wall_time));
    writer.plain("cpu_ms", milliseconds(result->cpu_time));
    writer.plain("memory", std::to_string(result->memory.count));
    writer.close('}');
}

}  // namespace

std::string line_of(const engine::Job& job, const engine::JobEnd& end, Time now) {
    Writer writer;
    writer.open("", '{');
    writer.text("time", time_stamp(now));
    writer.text("id", job.id);
    writer.text_or_null("client", job.asker.client);
    writer.text_or_null("key", job.asker.key);
    writer.text("runtime", job.runtime->language + "-" + job.runtime->version);
    writer.text("code", code_digest(job));
    put_files(writer, job);
    writer.text("verdict", engine::outcome(end));
    put_stage(writer, "compile", end.result.compile);
    put_stage(writer, "run", end.result.run);
    writer.plain("queued_ms", milliseconds(job.waited));
    writer.plain("duration_ms", milliseconds(job.waited + end.took));
    writer.close('}');
    return writer.take() + '\n';
}

std::string gap_line(unsigned long long lost, Time now) {
    Writer writer;
    writer.open("", '{');
    writer.text("time", time_stamp(now));
    writer.plain("lost", std::to_string(lost));
    writer.close('}');
    return writer.take() + '\n';
}

}  // namespace audit
