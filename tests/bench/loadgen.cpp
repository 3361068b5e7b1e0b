// loadgen: drives one target with one workload and prints one line of JSON.
//
// Two kinds of target share one loop: a server with Piston's API (--url, --body), and the raw floor
// (--source, --stage), which runs the same program with nothing around it. tests/bench/README.md
// has examples; scripts/bench calls this program for every cell of its tables.
#include <csignal>
#include <exception>
#include <iostream>
#include <iterator>
#include <memory>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include "isolate/sys/error.h"
#include "isolate/sys/file.h"
#include "tests/bench/closed_loop.h"
#include "tests/bench/exec_floor.h"
#include "tests/bench/http_client.h"
#include "tests/bench/statistics.h"

namespace {

constexpr const char* usage = R"(usage: loadgen [options] --url HOST:PORT/PATH --body FILE
       loadgen [options] --source NAME=FILE --stage 'PROGRAM ARGUMENT...' [--stage ...]

  --url URL            POST to this address over keep-alive connections
  --body FILE          the request's JSON
  --source NAME=FILE   a job directory's one file, and where to read its content
  --stage COMMAND      run this in the job directory; words are split at blanks; repeatable
  --stdin FILE         input of the last stage (default: /dev/null)
  --scratch DIR        where job directories are made (default: /tmp)
  --clients N          jobs in flight (default: 1)
  --seconds S          start no new job after this (default: 2)
  --longest S          ... or this, while there were fewer than 5 jobs (default: 20)
  --pause MS           idle this long before each job (default: 0)
  --expect TEXT        must occur in each answer
  --least-bytes N      each answer must be this long
)";

using Seconds = std::chrono::duration<double>;

struct Options {
    std::string url;
    std::string body;
    bench::Program program;
    bench::Pace pace;
    bench::Expectation expectation;
};

[[noreturn]] void refuse(const std::string& sentence) {
    throw sys::Error(sys::Kind::invalid, sentence);
}

double number(const std::string& text) {
    std::size_t used = 0;
    double value = -1;
    try {
        value = std::stod(text, &used);
    } catch (const std::exception&) {
        used = 0;
    }
    if (used == 0 || used != text.size() || value < 0) refuse("not a number of 0 or more: " + text);
    return value;
}

template <typename Whole>
Whole whole(const std::string& text) {
    return static_cast<Whole>(number(text));
}

bench::Argv words(const std::string& command) {
    std::istringstream stream{command};
    return {std::istream_iterator<std::string>{stream}, {}};
}

void take_source(bench::Program& program, const std::string& text) {
    const auto equals = text.find('=');
    if (equals == std::string::npos) refuse("--source needs NAME=FILE, not " + text);
    program.file_name = text.substr(0, equals);
    program.source = sys::read_file(text.substr(equals + 1));
}

struct Knob {
    std::string name;
    void (*take)(Options&, const std::string& value);
};

using Value = const std::string&;

constexpr Knob knobs[] = {
    {"url", [](Options& o, Value v) { o.url = v; }},
    {"body", [](Options& o, Value v) { o.body = sys::read_file(v); }},
    {"source", [](Options& o, Value v) { take_source(o.program, v); }},
    {"stage", [](Options& o, Value v) { o.program.stages.push_back(words(v)); }},
    {"stdin", [](Options& o, Value v) { o.program.input = sys::read_file(v); }},
    {"scratch", [](Options& o, Value v) { o.program.scratch = v; }},
    {"clients", [](Options& o, Value v) { o.pace.clients = whole<int>(v); }},
    {"seconds", [](Options& o, Value v) { o.pace.span = Seconds{number(v)}; }},
    {"longest", [](Options& o, Value v) { o.pace.longest = Seconds{number(v)}; }},
    {"pause", [](Options& o, Value v) { o.pace.pause = Seconds{number(v) / 1000}; }},
    {"expect", [](Options& o, Value v) { o.expectation.text = v; }},
    {"least-bytes", [](Options& o, Value v) { o.expectation.least_bytes = whole<std::size_t>(v); }},
};

const Knob& knob_called(std::string_view word) {
    for (const auto& knob : knobs)
        if (word == std::string{"--"} + knob.name) return knob;
    refuse("unknown option " + std::string{word} + ", see loadgen --help");
}

Options parse(const std::vector<std::string>& arguments) {
    Options options;
    for (std::size_t i = 0; i < arguments.size(); i += 2) {
        const auto& knob = knob_called(arguments[i]);
        if (i + 1 == arguments.size()) refuse(arguments[i] + " needs a value");
        knob.take(options, arguments[i + 1]);
    }
    if (options.url.empty() == options.program.stages.empty())
        refuse("either --url or --stage is needed, see loadgen --help");
    if (options.pace.clients < 1) refuse("--clients needs 1 or more");
    return options;
}

std::function<bench::Job()> clients_of(const Options& options) {
    if (options.url.empty()) {
        return [&program = options.program] {
            return [floor = std::make_shared<bench::ExecFloor>(program)] { return floor->run(); };
        };
    }
    return [endpoint = bench::parse_endpoint(options.url), &body = options.body] {
        return [client = std::make_shared<bench::HttpClient>(endpoint, body)] {
            return client->post();
        };
    };
}

std::string quoted(std::string text) {
    for (char& c : text)
        if (c == '"' || c == '\\' || c < ' ' || c > '~') c = ' ';
    return '"' + text + '"';
}

void print(const bench::Tally& tally) {
    const auto summary = bench::summarise(tally.milliseconds);
    std::ostream& out = std::cout;
    out << std::fixed;
    out.precision(3);
    out << "{\"jobs\":" << summary.jobs << ",\"errors\":" << tally.errors
        << ",\"first_error\":" << quoted(tally.first_error) << ",\"seconds\":" << tally.seconds
        << ",\"jobs_per_second\":" << static_cast<double>(summary.jobs) / tally.seconds
        << ",\"mean\":" << summary.mean << ",\"least\":" << summary.least
        << ",\"p50\":" << summary.p50 << ",\"p95\":" << summary.p95 << ",\"p99\":" << summary.p99
        << ",\"most\":" << summary.most << ",\"milliseconds\":[";
    const char* comma = "";
    for (const double took : tally.milliseconds) out << std::exchange(comma, ",") << took;
    out << "]}" << std::endl;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 2 && std::string_view{argv[1]} == "--help") {
        std::cout << usage;
        return 0;
    }
    try {
        // A program that exits without reading its input closes the pipe under the writer.
        if (std::signal(SIGPIPE, SIG_IGN) == SIG_ERR) sys::fail("cannot ignore SIGPIPE");
        const auto options = parse({argv + 1, argv + argc});
        print(bench::closed_loop(options.pace, options.expectation, clients_of(options)));
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "loadgen: " << error.what() << '\n';
        return 2;
    }
}
