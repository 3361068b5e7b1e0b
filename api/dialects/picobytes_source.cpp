#include "api/dialects/picobytes_source.h"

#include <algorithm>
#include <sstream>

namespace dialects {

namespace {

// Behind the headers of the language: P stands for the prefix, M for the mark, T for the time. Its
// marks are ordered with what the program prints, for both go through the same pipe and what stdio
// holds is written first. They have a descriptor of their own, so that a program may close or
// redirect its standard output. Children of the program say nothing.
constexpr std::string_view program_template = R"(#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#ifdef __cplusplus
extern "C" {
#endif
static int out = -1, number, failed, skip_count, has_timer;
static char** skipped;
static pid_t self;
static int timer;

static void say(char kind, int value, const char* text) {
    char head[96];
    if (getpid() != self) return;
    fflush(stdout);
    const size_t size = strlen(text);
    const int head_size =
        snprintf(head, sizeof head, "\001@M@%c %d %zu:", kind, value, size);
    if (write(out, head, (size_t)head_size) < 0 || write(out, text, size) < 0) _exit(1);
}

static void arm(long seconds) {
    struct timespec value[2];
    memset(value, 0, sizeof value);
    value[1].tv_sec = seconds;
    if (has_timer) syscall(SYS_timer_settime, timer, 0, value, 0);
}

int @P@begin(const char* text) {
    ++number;
    for (int i = 0; i < skip_count; ++i) {
        if (atoi(skipped[i]) == number) {
            say('s', number, text);
            failed = 1;
            return 0;
        }
    }
    say('b', number, text);
    arm(@T@);
    return number;
}

void @P@end(int which, int holds) {
    arm(@T@);
    if (!holds) failed = 1;
    say(holds ? 'p' : 'f', which, "");
}

void @P@note(int holds, const char* text) {
    if (!holds) failed = 1;
    say(holds ? 'P' : 'F', 0, text);
}

int @P@run(int count, char** arguments, int (*tests)(void)) {
    struct sigevent event;
    self = getpid();
    setvbuf(stdout, 0, _IOLBF, BUFSIZ);
    out = fcntl(1, F_DUPFD_CLOEXEC, 100);
    if (out < 0) out = 1;
    skipped = arguments + 1;
    skip_count = count - 1;
    memset(&event, 0, sizeof event);
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGKILL;
    has_timer = @T@ > 0 && syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer) == 0;
    arm(@T@);
    if (tests() != 0) failed = 1;
    arm(0);
    say('d', failed, "");
    return failed;
}
#ifdef __cplusplus
}
#endif
)";

std::string replaced(std::string_view text, std::string_view what, std::string_view with) {
    std::string made;
    for (auto at = text.find(what); at != text.npos; at = text.find(what)) {
        made.append(text.substr(0, at)).append(with);
        text.remove_prefix(at + what.size());
    }
    return made.append(text);
}

bool is_cpp(const PicobytesRequest& request) {
    return request.language == PicobytesRequest::Language::cpp;
}

std::string file_line(const char* name, int line = 1) {
    return "\n# line " + std::to_string(line) + " \"" + name + "\"\n";
}

// An assertion of the code's own is told, and is none of the tests.
std::string before_code(const PicobytesRequest& request, const Secrets& secrets) {
    constexpr std::string_view text =
        "@X@int @P@begin(const char*); @X@void @P@end(int, int); @X@void @P@note(int, const "
        "char*);\n"
        "@X@int @P@run(int, char**, int (*)(void));\n"
        "#define assert(...) @P@note((__VA_ARGS__) ? 1 : 0, #__VA_ARGS__)";
    const auto linkage = is_cpp(request) ? R"(extern "C" )" : "";
    return replaced(replaced(text, "@X@", linkage), "@P@", secrets.prefix);
}

std::string around_tests(const PicobytesRequest& request, const Secrets& secrets) {
    constexpr std::string_view before = R"(#undef assert
#define assert(...) __extension__ ({ int @P@number = @P@begin(#__VA_ARGS__); \
    if (@P@number) @P@end(@P@number, (__VA_ARGS__) ? 1 : 0); })
#undef main
static int @P@tests(void) {)";
    constexpr std::string_view after = R"(return 0; }
int main(int @P@count, char** @P@arguments) { return @P@run(@P@count, @P@arguments, @P@tests); }
)";
    return replaced(before, "@P@", secrets.prefix) + file_line(tests_name) + request.tests + "\n" +
           file_line("main.c") + replaced(after, "@P@", secrets.prefix);
}

std::string language_flag(const Toolchain& toolchain) {
    return toolchain.language == PicobytesRequest::Language::cpp ? "c++" : "c";
}

// The words of the last line that begins with "exec", without that one.
std::vector<std::string> last_call(const std::string& script) {
    std::vector<std::string> words;
    std::istringstream lines{script};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream rest{line};
        std::string word;
        if (!line.starts_with("exec") || !(rest >> word) || word != "exec") continue;
        words.clear();
        while (rest >> word) words.push_back(word);
    }
    return words;
}

std::string call(const Toolchain& toolchain) {
    return toolchain.compiler + " -pipe " + toolchain.standard + " -fmax-errors=100";
}

}  // namespace

std::string analyzed_text(const PicobytesRequest& request, const Secrets& secrets) {
    return before_code(request, secrets) + file_line(code_name) + request.code + "\n";
}

std::string unit_text(const PicobytesRequest& request, const Secrets& secrets) {
    return analyzed_text(request, secrets) + file_line("main.c") + around_tests(request, secrets);
}

std::string program_text(const PicobytesRequest& request, const Secrets& secrets) {
    constexpr std::int64_t most = 1'000'000;
    const auto time = std::to_string(std::clamp<std::int64_t>(request.per_test_timeout, 0, most));
    return replaced(
        replaced(replaced(program_template, "@P@", secrets.prefix), "@M@", secrets.mark), "@T@",
        time);
}

int line_of_test(std::string_view code, int line) {
    const auto ends = std::count(code.begin(), code.end(), '\n');
    const auto lines = ends + (code.empty() || code.ends_with('\n') ? 0 : 1);
    constexpr int of_main = 2;  // an empty line and the one that main begins on
    return static_cast<int>(lines) + of_main + line;
}

std::optional<Toolchain> toolchain_of(const packages::Script& compile,
                                      PicobytesRequest::Language language) {
    const auto words = compile.argv.empty() ? last_call(compile.text) : compile.argv;
    if (words.empty() || !words.front().starts_with('/')) return std::nullopt;
    const auto standard =
        std::ranges::find_if(words, [](const auto& word) { return word.starts_with("-std="); });
    return Toolchain{words.front(), standard == words.end() ? std::string{} : *standard, language};
}

std::string analysis_script(const Toolchain& toolchain) {
    // What is in no list must not be in the object either: neither functions that the compiler
    // makes of others or of the hardening it was built with, nor tables of macros. What the tests
    // may call is kept.
    const auto flags =
        " -O0 -w -U_FORTIFY_SOURCE -D__NO_CTYPE -fno-builtin -fno-stack-protector "
        "-fno-pic -x " +
        language_flag(toolchain) + " " + analyzed_file;
    const auto kept = toolchain.language == PicobytesRequest::Language::c
                          ? " -fkeep-static-functions -fkeep-inline-functions"
                          : " -fkeep-static-functions";
    return "#!/bin/sh\n" + call(toolchain) + " -E" + flags + " || exit 1\n" + "printf '\\0'\n" +
           call(toolchain) + kept + " -c" + flags + " -o analyzed.o || exit 1\n" +
           "exec nm -P -u analyzed.o\n";
}

packages::Script compile_script(const Toolchain& toolchain) {
    const auto compile = call(toolchain) + " -g -x " + language_flag(toolchain) + " -c ";
    return {.argv = {},
            .text = "#!/bin/sh\n" + compile + program_file +
                    " -w -o program.o &\n"
                    "program=$!\n" +
                    compile + unit_file +
                    " -fdiagnostics-format=json -o code.o 2>diagnostics\n"
                    "code=$?\n"
                    "cat diagnostics\n"
                    "[ \"$(cat diagnostics)\" = '[]' ] || " +
                    compile + unit_file +
                    " -o code.o\n"
                    "wait $program || exit 1\n"
                    "[ $code = 0 ] || exit $code\n" +
                    call(toolchain) +
                    " code.o program.o -lm -o a.out || exit 1\n"
                    "rm -rf unit *.o *.c *.code args.args diagnostics\n"};
}

packages::Script run_script() {
    return {.argv = {"./a.out", "{args}"}, .text = {}};
}

packages::Script valgrind_script() {
    return {.argv = {"/bin/sh", "-c",
                     "command -v valgrind >/dev/null || exit 127\n"
                     "exec valgrind --tool=memcheck --leak-check=yes --track-origins=yes -s "
                     "--log-fd=9 ./a.out \"$@\" 9>&2 2>/dev/null >/dev/null",
                     "valgrind", "{args}"},
            .text = {}};
}

}  // namespace dialects
