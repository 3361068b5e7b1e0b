#include "api/wire/job.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "api/wire/content.h"
#include "api/wire/fields.h"
#include "api/wire/file_set.h"
#include "api/wire/grading.h"
#include "api/wire/json_text.h"
#include "api/wire/request_fields.h"
#include "api/wire/surrogates.h"
#include "api/wire/syntax_error.h"
#include "isolate/sys/error.h"

namespace wire {

namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;
using Parser = simdjson::dom::parser;
using Field = std::optional<element>;  // empty: absent

// A thread keeps the memory that requests up to this size need; larger ones bring and take their
// own.
constexpr std::size_t kept_bytes = 2 << 20;
constexpr std::size_t max_depth = 64;
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

Parser new_parser() {
    Parser parser;
    if (parser.allocate(4096, max_depth) != simdjson::SUCCESS) throw std::bad_alloc();
    return parser;
}

Parser& kept_parser() {
    thread_local Parser parser = new_parser();
    return parser;
}

// The fields of a request that mean something; the elements live as long as the parser's document.
struct Request {
    Field language, version, files, source, stdin_text, args;
    Field compile_memory_limit, run_memory_limit;
    Field compile_timeout, run_timeout;
    Field compile_cpu_time, run_cpu_time;
    Field tests, stop_on_first_failure, compare, checker;
};

// Where a field of that name is kept.
template <typename Owner>
struct Row {
    std::string_view name;
    Field Owner::*field;
};

template <typename Owner>
Field* field_called(std::string_view name, std::span<const Row<Owner>> rows, Owner& owner) {
    for (const auto& row : rows) {
        if (row.name == name) return &(owner.*row.field);
    }
    return nullptr;
}

const element* at(const Field& field) {
    return field ? &*field : nullptr;
}
bool is_given(const Field& field) {
    return wire::is_given(at(field));
}
void lower(config::Bytes& limit, const Field& asked, const char* name) {
    wire::lower(limit, at(asked), name);
}
void lower(config::Milliseconds& limit, const Field& asked, const char* name) {
    wire::lower(limit, at(asked), name);
}
std::string decode_stdin(const Field& field) {
    return wire::decode_stdin(at(field), "stdin");
}
std::vector<std::string> decode_arguments(const Field& field) {
    return wire::decode_arguments(at(field), "args");
}

constexpr Row<Request> request_rows[] = {
    {"language", &Request::language},
    {"version", &Request::version},
    {"files", &Request::files},
    {"stdin", &Request::stdin_text},
    {"args", &Request::args},
    {"compile_memory_limit", &Request::compile_memory_limit},
    {"run_memory_limit", &Request::run_memory_limit},
    {"compile_timeout", &Request::compile_timeout},
    {"run_timeout", &Request::run_timeout},
    {"compile_cpu_time", &Request::compile_cpu_time},
    {"run_cpu_time", &Request::run_cpu_time},
    {"tests", &Request::tests},
    {"stop_on_first_failure", &Request::stop_on_first_failure},
    {"compare", &Request::compare},
    {"checker", &Request::checker},
    {"source", &Request::source},  // of the public Piston's version 1 alone
};
static_assert(std::ranges::equal(std::span{request_rows}.first(std::size(job_fields)), job_fields,
                                 {}, &Row<Request>::name, &FieldDescription::name),
              "what is read and what is described (request_fields.h) must be the same");

simdjson::error_code read(Parser& parser, const std::string& body, element& root) {
    const auto skipped = body.starts_with(byte_order_mark) ? byte_order_mark.size() : 0;
    const bool must_copy = body.capacity() - body.size() < simdjson::SIMDJSON_PADDING;
    return parser.parse(body.data() + skipped, body.size() - skipped, must_copy).get(root);
}

Request fields_of(const simdjson::dom::object& object) {
    Request request;
    for (const auto [name, value] : object) {
        if (auto* const field = field_called<Request>(name, request_rows, request)) *field = value;
    }
    return request;
}

Request parse(Parser& parser, const std::string& body) {
    Request request;
    if (body.empty() || body == byte_order_mark) return request;

    element root;
    auto error = read(parser, body, root);
    std::optional<std::string> mended;
    if (error == simdjson::UTF8_ERROR) {
        mended = valid_text(body);
        error = read(parser, *mended, root);
    }
    if (error == simdjson::STRING_ERROR) {
        if (auto whole = without_half_characters(mended ? *mended : body)) {
            mended = std::move(whole);
            error = read(parser, *mended, root);
        }
    }
    if (error == simdjson::MEMALLOC) throw std::bad_alloc();
    if (error) throw explain_syntax(mended ? *mended : body, simdjson::error_message(error));
    if (root.is_array()) return request;
    simdjson::dom::object object;
    if (root.get(object) != simdjson::SUCCESS) {
        throw SyntaxError("SyntaxError: a request must be an object; at line 1, column 1");
    }
    return fields_of(object);
}

std::string_view required_text(const Field& field, const char* name) {
    if (!is_given(field) || !field->is_string())
        refuse(std::string(name) + " is required as a string");
    return *field;
}

// A file of the request, before its content is decoded.
struct SentFile {
    Field name, content, encoding;

    // Whether it may stand for the program: said to be utf8, or not said to be anything else.
    bool is_utf8() const {
        return !is_given(encoding) ||
               (encoding->is_string() && std::string_view(*encoding) == "utf8");
    }
    bool is_encoded_as(std::string_view wanted) const {
        return encoding && encoding->is_string() && std::string_view(*encoding) == wanted;
    }
};

constexpr Row<SentFile> file_rows[] = {
    {"name", &SentFile::name},
    {"content", &SentFile::content},
    {"encoding", &SentFile::encoding},
};
static_assert(std::ranges::equal(file_rows, file_fields, {}, &Row<SentFile>::name,
                                 &FieldDescription::name),
              "what is read and what is described (request_fields.h) must be the same");

SentFile read_file(const element& value, std::size_t index) {
    const auto place = "files[" + std::to_string(index) + "]";
    if (value.is_null()) refuse(place + " is required as an object");
    SentFile file;
    simdjson::dom::object object;
    // Something else without fields, such as a number, lacks its content.
    if (value.get(object) == simdjson::SUCCESS) {
        for (const auto [name, member] : object) {
            if (auto* const field = field_called<SentFile>(name, file_rows, file)) *field = member;
        }
    }
    if (!file.content || !file.content->is_string())
        refuse(place + ".content is required as a string");
    return file;
}

std::vector<SentFile> read_files(const Field& field, Dialect dialect) {
    if (dialect == Dialect::facade && field && field->is_string())
        return {{.name = {}, .content = *field, .encoding = {}}};
    if (!field || !field->is_array()) refuse("files is required as an array");
    std::vector<SentFile> files;
    for (const auto value : simdjson::dom::array(*field)) {
        if (files.size() == engine::max_files) {
            refuse("files has more than " + std::to_string(engine::max_files) + " elements");
        }
        files.push_back(read_file(value, files.size()));
    }
    return files;
}

engine::File decode_file(const SentFile& sent, std::size_t index, bool always_code) {
    engine::File file;
    if (!is_given(sent.name)) {
        file.name = "file" + std::to_string(index) + ".code";
    } else if (sent.name->is_string()) {
        file.name = std::string_view(*sent.name);
    } else {
        refuse("files[" + std::to_string(index) + "].name must be a string");
    }
    const bool base64 = sent.is_encoded_as("base64");
    const bool hex = sent.is_encoded_as("hex");
    const std::string_view content = *sent.content;
    file.content = base64 ? decode_base64(content)
                   : hex  ? decode_hex(content)
                          : std::string(content);
    file.is_code = always_code || (!base64 && !hex);
    return file;
}

config::StageLimits decode_limits(const Request& request, config::StageLimits limits) {
    lower(limits.compile.memory, request.compile_memory_limit, "compile_memory_limit");
    lower(limits.run.memory, request.run_memory_limit, "run_memory_limit");
    lower(limits.compile.wall_time, request.compile_timeout, "compile_timeout");
    lower(limits.run.wall_time, request.run_timeout, "run_timeout");
    lower(limits.compile.cpu_time, request.compile_cpu_time, "compile_cpu_time");
    lower(limits.run.cpu_time, request.run_cpu_time, "run_cpu_time");
    return limits;
}

// What was asked for where the public API had no answer but the highest: nothing.
Field lowered(const Field& asked, std::uint64_t own) {
    double value = 0;
    const bool is_number = asked && asked->is_number() && asked->get(value) == simdjson::SUCCESS;
    return is_number && value <= static_cast<double>(own) ? asked : Field{};
}

Request lowered(Request request, const config::StageLimits& own) {
    const auto lower_time = [](Field& asked, config::Milliseconds time) {
        asked = lowered(asked, static_cast<std::uint64_t>(time.count()));
    };
    request.compile_memory_limit = lowered(request.compile_memory_limit, own.compile.memory.count);
    request.run_memory_limit = lowered(request.run_memory_limit, own.run.memory.count);
    lower_time(request.compile_timeout, own.compile.wall_time);
    lower_time(request.run_timeout, own.run.wall_time);
    request.compile_cpu_time = request.run_cpu_time = {};
    return request;
}

// A parser for the body; `large` is where one for this body alone is kept.
Parser& parser_for(const std::string& body, std::optional<Parser>& large) {
    if (body.size() <= kept_bytes) return kept_parser();
    return large.emplace(new_parser());
}

// A text of a request to the first version; empty if it is not there.
std::optional<std::string_view> v1_text(const Field& field, const std::string& name) {
    if (!is_given(field)) return std::nullopt;
    if (!field->is_string()) refuse("Supplied " + name + " is not a string");
    return std::string_view(*field);
}

std::string_view required_v1_text(const Field& field, const std::string& name) {
    const auto text = v1_text(field, name);
    if (!text) refuse("No " + name + " supplied");
    return *text;
}

// A program with what it needs to run, of a request or of its checker.
engine::Job decode_program(Request request, const engine::Runtimes& runtimes, Dialect dialect) {
    const bool is_facade = dialect == Dialect::facade;
    const auto language = required_text(request.language, "language");
    const auto version = required_text(request.version, "version");
    const auto sent = read_files(request.files, dialect);
    engine::Job job;
    job.runtime = runtimes.find(language, version);
    if (!job.runtime) {
        refuse(std::string(language) + "-" + std::string(version) + " runtime is unknown");
    }
    // Piston's language for programs that are sent compiled: there every file may be the program.
    const bool any_file = job.runtime->language == "file";
    const auto is_utf8 = [](const SentFile& file) { return file.is_utf8(); };
    if (!any_file && std::none_of(sent.begin(), sent.end(), is_utf8)) {
        refuse("files must include at least one utf8 encoded file");
    }
    if (sent.empty()) refuse("files must include at least one file");
    if (is_facade) request = lowered(request, job.runtime->limits);
    job.limits = decode_limits(request, job.runtime->limits);
    job.stdin_text = decode_stdin(request.stdin_text);
    const bool has_list = request.args && request.args->is_array();
    if (has_list || !is_facade) job.arguments = decode_arguments(request.args);
    FileSet files;
    for (std::size_t i = 0; i < sent.size(); ++i) files.add(decode_file(sent[i], i, any_file));
    job.files = std::move(files).take();
    return job;
}

// Its arguments stand behind the names of its three files, and nothing else of a request is for it.
std::shared_ptr<const engine::Job> decode_checker(const Field& field,
                                                  const engine::Runtimes& runtimes) {
    if (!field || field->is_null()) return nullptr;
    simdjson::dom::object object;
    if (field->get(object) != simdjson::SUCCESS) refuse("checker must be an object");
    try {
        auto job = decode_program(fields_of(object), runtimes, Dialect::piston);
        check_checker_files(job);
        return std::make_shared<const engine::Job>(std::move(job));
    } catch (const sys::Error& error) {
        refuse(std::string{"checker: "} + error.what());
    }
}

}  // namespace

engine::Job decode_job(const std::string& body, const engine::Runtimes& runtimes, Dialect dialect) {
    std::optional<Parser> large;
    const auto request = parse(parser_for(body, large), body);
    auto job = decode_program(request, runtimes, dialect);
    if (!request.tests || request.tests->is_null()) return job;
    job.grading = decode_grading({.tests = at(request.tests),
                                  .stop_on_first_failure = at(request.stop_on_first_failure),
                                  .compare = at(request.compare),
                                  .checker = decode_checker(request.checker, runtimes)},
                                 job);
    return job;
}

void check_json(const std::string& body) {
    std::optional<Parser> large;
    parse(parser_for(body, large), body);
}

engine::Job decode_v1_job(const std::string& body, const engine::Runtimes& runtimes) {
    std::optional<Parser> large;
    const auto request = parse(parser_for(body, large), body);

    const auto language = required_v1_text(request.language, "language");
    engine::Job job;
    job.runtime = runtimes.find(language, v1_text(request.version, "version").value_or("*"));
    if (!job.runtime) refuse("Supplied language is not supported by Piston");
    const auto source = required_v1_text(request.source, "source");
    if (is_given(request.args) && !request.args->is_array())
        refuse("Supplied args is not an array");
    v1_text(request.stdin_text, "stdin");

    job.limits = job.runtime->limits;
    job.stdin_text = decode_stdin(request.stdin_text);
    job.arguments = decode_arguments(request.args);
    job.files = {{.name = "file0.code", .content = std::string(source), .is_code = true}};
    return job;
}

}  // namespace wire
