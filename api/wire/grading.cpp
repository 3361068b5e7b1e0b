#include "api/wire/grading.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <span>
#include <utility>

#include "api/wire/json_text.h"
#include "api/wire/request_fields.h"
#include "api/wire/result.h"
#include "isolate/sys/error.h"

namespace wire {

namespace {

using engine::CompareMode;
using engine::Test;
using simdjson::dom::element;

constexpr double most_points = 1e9;

// The values of an object's fields that are described, in the order of the description; null where
// one is absent. Others are ignored, of one given twice the last counts.
template <std::size_t Count>
std::array<const Element*, Count> members(const element& value,
                                          const FieldDescription (&described)[Count],
                                          std::array<element, Count>& kept,
                                          const std::string& place) {
    simdjson::dom::object object;
    if (value.get(object) != simdjson::SUCCESS) refuse(place + " must be an object");
    std::array<const Element*, Count> found{};
    for (const auto [name, member] : object) {
        for (std::size_t i = 0; i < Count; ++i) {
            if (described[i].name != name || member.is_null()) continue;
            kept[i] = member;
            found[i] = &kept[i];
        }
    }
    return found;
}

double decode_number(const Element* field, double fallback, double most, const std::string& place) {
    if (!field) return fallback;
    double value = 0;
    if (!field->is_number() || field->get(value) != simdjson::SUCCESS)
        refuse(place + " must be a number");
    if (value < 0) refuse(place + " must be non-negative");
    if (value > most) refuse(place + " is too large");
    return value;
}

std::string decode_text(const Element* field, const std::string& place) {
    if (!field->is_string()) refuse(place + " must be a string");
    return std::string(std::string_view(*field));
}

bool decode_flag(const Element* field, const std::string& place) {
    if (!field || field->is_null()) return false;
    bool value = false;
    if (field->get(value) != simdjson::SUCCESS) refuse(place + " must be true or false");
    return value;
}

CompareMode decode_mode(const element& value, const std::string& place) {
    const auto word = decode_text(&value, place);
    const auto mode = engine::compare_mode(word);
    if (!mode) refuse(place + " must be exact, trimmed, tokens, floats, lines, regex or checker");
    return *mode;
}

engine::Comparison decode_comparison(const Element* field, engine::Comparison otherwise,
                                     const std::string& place) {
    if (!field || field->is_null()) return otherwise;
    engine::Comparison comparison;
    if (field->is_string()) {
        comparison.mode = decode_mode(*field, place);
        return comparison;
    }
    if (!field->is_object()) refuse(place + " must be a string or an object");
    std::array<element, std::size(comparison_fields)> kept;
    const auto [mode, absolute, relative] = members(*field, comparison_fields, kept, place);
    if (!mode) refuse(place + ".mode is required as a string");
    comparison.mode = decode_mode(*mode, place + ".mode");
    const auto most = std::numeric_limits<double>::max();
    comparison.absolute = decode_number(absolute, comparison.absolute, most, place + ".absolute");
    comparison.relative = decode_number(relative, comparison.relative, most, place + ".relative");
    // Who names one of them means that one.
    if (absolute && !relative) comparison.relative = 0;
    if (relative && !absolute) comparison.absolute = 0;
    return comparison;
}

// Of the request's own where the test asks for nothing, and else at most the runtime's.
config::Limits decode_limits(const Element* field, const engine::Job& job,
                             const std::string& place) {
    auto limits = job.limits.run;
    if (!field) return limits;
    std::array<element, std::size(test_limit_fields)> kept;
    const auto [memory, time, cpu_time] = members(*field, test_limit_fields, kept, place);
    const auto& most = job.runtime->limits.run;
    const auto choose = [&](auto& limit, const auto& ceiling, const Element* asked,
                            const char* name) {
        if (!is_given(asked)) return;
        limit = ceiling;
        lower(limit, asked, place + "." + name);
    };
    choose(limits.memory, most.memory, memory, "run_memory_limit");
    choose(limits.wall_time, most.wall_time, time, "run_timeout");
    choose(limits.cpu_time, most.cpu_time, cpu_time, "run_cpu_time");
    return limits;
}

// What holds for all tests of a request.
struct Common {
    const engine::Job& job;
    engine::Comparison comparison;
    bool has_checker;
};

Test decode_test(const element& value, std::size_t index, const Common& common) {
    const auto place = "tests[" + std::to_string(index) + "]";
    std::array<element, std::size(test_fields)> kept;
    const auto [name, input, arguments, expected, compare, limits, points] =
        members(value, test_fields, kept, place);
    Test test;
    test.name = name ? decode_text(name, place + ".name") : std::to_string(index + 1);
    test.stdin_text = input ? decode_stdin(input, place + ".stdin") : common.job.stdin_text;
    test.arguments =
        arguments ? decode_arguments(arguments, place + ".args") : common.job.arguments;
    if (expected) test.expected = decode_text(expected, place + ".expected_output");
    test.comparison = decode_comparison(compare, common.comparison, place + ".compare");
    if (test.comparison.mode == CompareMode::checker && !common.has_checker)
        refuse(place + ".compare is checker, and there is no checker");
    if (test.comparison.mode == CompareMode::regex && !test.expected)
        refuse(place + ".expected_output is required as a string, for it is compared as regex");
    test.limits = decode_limits(limits, common.job, place + ".limits");
    test.points = decode_number(points, 1, most_points, place + ".points");
    return test;
}

void append_key(std::string& to, std::string_view key) {
    to.append(",\"").append(key).append("\":");
}

void append_text_or_null(std::string& to, const std::optional<std::string>& text) {
    text ? append_json_text(to, complete_characters(*text)) : void(to += "null");
}

void append_number(std::string& to, double number) {
    std::array<char, 32> text{};
    const auto [end, error] = std::to_chars(text.begin(), text.end(), number);
    to.append(text.begin(), end);
}

void append_difference(std::string& to, const std::optional<engine::Difference>& difference) {
    append_key(to, "difference");
    if (!difference) {
        to += "null";
        return;
    }
    to += R"({"line":)" + std::to_string(difference->line) + R"(,"expected":)";
    append_text_or_null(to, difference->expected);
    to += R"(,"actual":)";
    append_text_or_null(to, difference->actual);
    to += '}';
}

std::string_view shown(const std::string& text, bool truncated) {
    return truncated ? complete_characters(text) : std::string_view{text};
}

}  // namespace

void check_checker_files(const engine::Job& checker) {
    for (const auto& file : checker.files) {
        if (file.name == "input" || file.name == "output" || file.name == "answer")
            refuse("files may not be called " + file.name + ": that is what it is given to judge");
    }
}

std::shared_ptr<const engine::GradingPlan> decode_grading(const GradingFields& fields,
                                                          const engine::Job& job) {
    simdjson::dom::array tests;
    if (fields.tests->get(tests) != simdjson::SUCCESS) refuse("tests must be an array");
    engine::GradingPlan plan;
    plan.stop_on_first_failure = decode_flag(fields.stop_on_first_failure, "stop_on_first_failure");
    const auto usual = fields.checker ? CompareMode::checker : CompareMode::trimmed;
    const Common common{.job = job,
                        .comparison = decode_comparison(fields.compare, {.mode = usual}, "compare"),
                        .has_checker = fields.checker != nullptr};
    for (const auto value : tests) {
        if (plan.tests.size() == engine::most_tests)
            refuse("tests has more than " + std::to_string(engine::most_tests) + " elements");
        plan.tests.push_back(decode_test(value, plan.tests.size(), common));
    }
    if (plan.tests.empty()) refuse("tests must include at least one test");
    const auto is_asked = [](const Test& test) {
        return test.comparison.mode == CompareMode::checker;
    };
    if (std::ranges::any_of(plan.tests, is_asked)) plan.checker = fields.checker;
    return std::make_shared<const engine::GradingPlan>(std::move(plan));
}

std::string test_fields_of(const engine::TestResult& test) {
    static const engine::StageResult nothing;
    const auto& run = test.run ? *test.run : nothing;
    std::string json = R"("name":)";
    append_json_text(json, test.name);
    append_key(json, "verdict");
    json.append("\"").append(name(test.verdict)).append("\"");
    append_key(json, "points");
    append_number(json, test.points);
    append_key(json, "out_of");
    append_number(json, test.out_of);
    append_key(json, "stdout");
    append_json_text(json, shown(run.output.out, test.truncated));
    append_key(json, "stderr");
    append_json_text(json, shown(run.output.err, test.truncated));
    append_key(json, "truncated");
    json += test.truncated ? "true" : "false";
    // A test that was not run ended in no way.
    json += test.run ? "," + ending_fields(run, test.message)
                     : R"(,"code":null,"signal":null,"status":null)" + message_field(test.message) +
                           R"(,"cpu_time":null,"wall_time":null,"memory":null)";
    append_difference(json, test.difference);
    return json;
}

std::string grading_fields(const engine::JobResult& result) {
    if (!result.graded) return {};
    const auto& graded = *result.graded;
    std::string json = R"(,"tests":[)";
    for (const auto& test : graded.tests) {
        if (json.back() == '}') json += ',';
        json.append("{").append(test_fields_of(test)).append("}");
    }
    json += R"(],"score":{"points":)";
    append_number(json, graded.score.points);
    append_key(json, "out_of");
    append_number(json, graded.score.out_of);
    append_key(json, "passed");
    json += std::to_string(graded.score.passed);
    append_key(json, "of");
    json += std::to_string(graded.score.of) + "}";
    if (graded.checker_compile) {
        append_key(json, "checker");
        json += encode(*graded.checker_compile);
    }
    return json;
}

}  // namespace wire
