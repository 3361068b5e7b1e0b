// The filter without a kernel: what the policy text means, what is refused, and that the compiled
// program, executed here instruction by instruction, decides exactly as the lines read.
#include <doctest/doctest.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "isolate/filter.h"
#include "isolate/filter_ranges.h"
#include "isolate/sys/error.h"

namespace {

using Arguments = std::array<std::uint64_t, 6>;

constexpr std::uint64_t bit_32 = std::uint64_t{1} << 32;

#if defined(__x86_64__)
constexpr std::uint32_t native = AUDIT_ARCH_X86_64;
#else
constexpr std::uint32_t native = AUDIT_ARCH_AARCH64;
#endif

std::ifstream open_shipped_policy() {
    const auto folder = std::filesystem::path(__FILE__).parent_path();
    return std::ifstream{folder / "../../config/seccomp.policy"};
}

std::string shipped_policy() {
    auto file = open_shipped_policy();
    REQUIRE(file);
    return {std::istreambuf_iterator<char>(file), {}};
}

// What the kernel would do with the program: the instructions that a seccomp filter may hold and
// libseccomp writes (man 2 seccomp).
std::uint32_t execute(const std::vector<sock_filter>& program, const seccomp_data& data) {
    std::uint32_t accumulator = 0;
    for (std::size_t at = 0; at < program.size(); ++at) {
        const auto& step = program[at];
        const auto k = step.k;
        const auto jump = [&](bool taken) { at += taken ? step.jt : step.jf; };
        switch (step.code) {
            case BPF_LD | BPF_W | BPF_ABS:
                // Bounded by the check; the data is plain words.
                if (k > sizeof data - sizeof accumulator) throw std::runtime_error("load");
                std::memcpy(&accumulator, reinterpret_cast<const char*>(&data) + k,
                            sizeof accumulator);
                break;
            case BPF_ALU | BPF_AND | BPF_K:
                accumulator &= k;
                break;
            case BPF_JMP | BPF_JA:
                at += k;
                break;
            case BPF_JMP | BPF_JEQ | BPF_K:
                jump(accumulator == k);
                break;
            case BPF_JMP | BPF_JGT | BPF_K:
                jump(accumulator > k);
                break;
            case BPF_JMP | BPF_JGE | BPF_K:
                jump(accumulator >= k);
                break;
            case BPF_RET | BPF_K:
                return k;
            default:
                throw std::runtime_error("instruction");
        }
    }
    throw std::runtime_error("end");
}

std::uint32_t decision_of(const isolate::Filter& filter, int number, const Arguments& arguments,
                          std::uint32_t architecture = native) {
    auto data =
        seccomp_data{.nr = number, .arch = architecture, .instruction_pointer = 0, .args = {}};
    for (std::size_t i = 0; i < arguments.size(); ++i) data.args[i] = arguments[i];
    return execute(filter.program, data);
}

std::uint32_t action(int error_number) {
    if (error_number == 0) return SECCOMP_RET_ALLOW;
    return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error_number);
}

// The meaning of a policy in the plainest words: the first rule that matches.
std::uint32_t meaning_of(const std::vector<isolate::FilterRule>& rules, int number,
                         const Arguments& arguments) {
    const auto holds = [&](const isolate::Comparison& comparison) {
        const auto seen =
            static_cast<std::uint32_t>(arguments.at(comparison.argument)) & comparison.mask;
        return std::find(comparison.values.begin(), comparison.values.end(), seen) !=
               comparison.values.end();
    };
    for (const auto& rule : rules) {
        if (rule.number == number && std::all_of(rule.when.begin(), rule.when.end(), holds)) {
            return action(rule.error_number);
        }
    }
    return action(ENOSYS);
}

// Arguments near the values that the rules of a call look for, with strange bits above and below.
class ArgumentSource {
public:
    ArgumentSource(const std::vector<isolate::FilterRule>& rules, int number) {
        for (const auto& rule : rules) {
            if (rule.number != number) continue;
            for (const auto& comparison : rule.when) {
                auto& values = values_.at(comparison.argument);
                values.insert(values.end(), comparison.values.begin(), comparison.values.end());
            }
        }
    }

    bool any() const {
        return std::any_of(values_.begin(), values_.end(),
                           [](const auto& values) { return !values.empty(); });
    }

    Arguments next(std::mt19937& random) const {
        auto result = Arguments{};
        for (std::size_t i = 0; i < result.size(); ++i) {
            const auto& values = values_[i];
            result[i] = values.empty() ? random() : values[random() % values.size()];
            switch (random() % 6) {
                case 0:
                    result[i] ^= std::uint64_t{1} << random() % 32;
                    break;
                case 1:
                    result[i] += 1;
                    break;
                case 2:
                    result[i] = random();
                    break;
                default:
                    break;
            }
            if (random() % 3 == 0) result[i] |= bit_32 << random() % 32;
        }
        return result;
    }

private:
    std::array<std::vector<std::uint32_t>, 6> values_;
};

void check_program_against_rules(const std::string& text) {
    const auto rules = isolate::parse_policy(text);
    const auto filter = isolate::compile_filter(text);
    auto random = std::mt19937(1);
    for (int number = -1; number < 1100; ++number) {
        const auto source = ArgumentSource(rules, number);
        for (int round = source.any() ? 5000 : 2; round > 0; --round) {
            const auto arguments = source.next(random);
            if (decision_of(filter, number, arguments) == meaning_of(rules, number, arguments))
                continue;
            CAPTURE(number);
            CAPTURE(arguments[0]);
            CAPTURE(arguments[1]);
            CAPTURE(arguments[2]);
            CHECK(decision_of(filter, number, arguments) == meaning_of(rules, number, arguments));
            return;
        }
    }
}

}  // namespace

TEST_CASE("a compiled policy decides as its lines read") {
    struct Row {
        std::string name;
        const char* text;
    };
    const Row rows[] = {
        {"plain names", "allow read write\nEPERM mount\n"},
        {"one call", "allow read"},
        {"a bit test", "allow clone if arg0 & 0x7e020000 == 0\nEPERM clone otherwise\n"},
        {"a refused set", "ENOSYS futex if arg1 & 0x7f in {11, 12}\nallow futex otherwise\n"},
        {"the default errno for the rest", "allow futex if arg1 == 3\nENOSYS futex otherwise\n"},
        {"a set in a set",
         "allow socket if arg0 in {1, 2} and arg1 & 0xf in {1, 2} and arg2 in {0, 6}\n"
         "EPERM socket if arg0 == 2\nEACCES socket otherwise\n"},
        {"a level under one value only",
         "allow socket if arg0 == 1 and arg3 == 7\nallow socket if arg0 == 9\nEPERM socket "
         "otherwise\n"},
        {"every argument",
         "EPERM mmap if arg0 == 0 and arg1 == 1 and arg2 == 2 and arg3 == 3 and arg4 == 4 and arg5 "
         "== 5\n"
         "EACCES mmap if arg0 == 0 and arg1 == 1 and arg2 == 2\nallow mmap otherwise\n"},
        {"the largest value",
         "allow personality if arg0 in {0, 0xffffffff}\nEPERM personality otherwise\n"},
        {"a new call", "allow mseal#462\nEPERM statmount#457 listns#470\n"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        check_program_against_rules(row.text);
    }
}

TEST_CASE("the shipped policy compiles to a program that decides as it reads") {
    check_program_against_rules(shipped_policy());
}

TEST_CASE("the shipped policy stays well below the kernel's largest program") {
    CHECK(isolate::compile_filter(shipped_policy()).program.size() < 512);
}

namespace {

// Calls by number, all with the same verdict.
std::map<std::uint32_t, std::uint32_t> all_of(const std::vector<std::uint32_t>& numbers,
                                              std::uint32_t verdict = SECCOMP_RET_ALLOW) {
    std::map<std::uint32_t, std::uint32_t> verdicts;
    for (const auto number : numbers) verdicts[number] = verdict;
    return verdicts;
}

// One of nine.
std::uint32_t refusal(std::mt19937& random) {
    return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(1 + random() % 9);
}

}  // namespace

TEST_CASE("neighbouring numbers of one verdict form runs") {
    using isolate::CallRange;
    CHECK(isolate::runs_of({}).empty());
    CHECK(isolate::runs_of(all_of({7})) == std::vector<CallRange>{{7, 8}});
    CHECK(isolate::runs_of(all_of({0, 1, 2, 5, 7, 8})) ==
          std::vector<CallRange>{{0, 3}, {5, 6}, {7, 9}});
    const auto refused = SECCOMP_RET_ERRNO | EPERM;
    CHECK(isolate::runs_of({{0, SECCOMP_RET_ALLOW}, {1, refused}, {2, refused}}) ==
          std::vector<CallRange>{{0, 1, SECCOMP_RET_ALLOW}, {1, 3, refused}});
}

TEST_CASE("of more runs than a jump can span, the longest are kept in order") {
    auto numbers = std::vector<std::uint32_t>();
    for (std::uint32_t number = 0; number < 600; number += 2) numbers.push_back(number);
    for (const std::uint32_t number : {901, 902, 903}) numbers.push_back(number);
    const auto runs = isolate::runs_of(all_of(numbers));
    CHECK(runs.size() == 120);
    CHECK(runs.back() == isolate::CallRange{901, 904});
    CHECK(std::ranges::is_sorted(runs, std::ranges::less{}, &isolate::CallRange::begin));
}

TEST_CASE("of more verdicts than there is room for, those that decide most calls are kept") {
    std::map<std::uint32_t, std::uint32_t> verdicts;
    for (std::uint32_t error = 1; error <= 30; ++error) {
        for (std::uint32_t i = 0; i < error; ++i) verdicts[error * 40 + i] = error;
    }
    std::set<std::uint32_t> kept;
    for (const auto& run : isolate::runs_of(verdicts)) kept.insert(run.verdict);
    CHECK(kept.size() == 10);
    CHECK(*kept.begin() == 21);
}

TEST_CASE("any numbers with any verdicts are searched right, with every count of borders") {
    auto random = std::mt19937(3);
    for (std::uint32_t modulus = 2; modulus < 260; modulus += 1 + modulus / 16) {
        std::map<std::uint32_t, std::uint32_t> verdicts;
        for (std::uint32_t number = 0; number < 500; ++number) {
            if (random() % modulus >= 1 + modulus / 3) continue;
            verdicts[number] = random() % 2 == 0 ? SECCOMP_RET_ALLOW : refusal(random);
        }
        const auto ranges = isolate::runs_of(verdicts);
        auto filter = isolate::Filter{isolate::decide_ranges(ranges, native)};
        filter.program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
        for (int number = -2; number < 510; ++number) {
            const auto decides = std::ranges::find_if(ranges, [&](const auto& range) {
                return static_cast<int>(range.begin) <= number &&
                       number < static_cast<int>(range.end);
            });
            const auto wanted =
                decides != ranges.end() ? decides->verdict : SECCOMP_RET_KILL_PROCESS;
            CAPTURE(modulus);
            CAPTURE(number);
            if (decision_of(filter, number, {}) != wanted) FAIL_CHECK("decided wrongly");
            if (decision_of(filter, number, {}, AUDIT_ARCH_I386) != SECCOMP_RET_KILL_PROCESS)
                FAIL_CHECK("a foreign call was let in");
        }
    }
}

TEST_CASE("the same policy gives the same program") {
    const auto first = isolate::compile_filter(shipped_policy()).program;
    const auto second = isolate::compile_filter(shipped_policy()).program;
    REQUIRE(first.size() == second.size());
    CHECK(std::memcmp(first.data(), second.data(), first.size() * sizeof first[0]) == 0);
}

TEST_CASE("every group of the shipped policy begins with its reason") {
    auto file = open_shipped_policy();
    auto before = std::string();
    for (auto line = std::string(); std::getline(file, line); before = line) {
        if (line.empty() || line[0] == '#') continue;
        CAPTURE(line);
        CHECK(!before.empty());
    }
}

#if defined(__x86_64__)
TEST_CASE("every name of the shipped policy is a call of this architecture") {
    for (const auto& rule : isolate::parse_policy(shipped_policy())) {
        CAPTURE(rule.name);
        CHECK(rule.number >= 0);
    }
}

TEST_CASE("a call through a foreign table kills the process") {
    const auto filter = isolate::compile_filter("allow read getpid\n");
    CHECK(decision_of(filter, SYS_getpid, {}) == SECCOMP_RET_ALLOW);
    CHECK(decision_of(filter, SYS_getpid, {}, AUDIT_ARCH_I386) == SECCOMP_RET_KILL_PROCESS);
    CHECK(decision_of(filter, SYS_getpid | 0x40000000, {}) == SECCOMP_RET_KILL_PROCESS);
}
#endif

TEST_CASE("a line is read into the rules it states") {
    const auto rules = isolate::parse_policy(
        "# a reason\n"
        "\n"
        "allow socket socketpair if arg0 in {2,10} and arg1&0xf==1  # streams\r\n"
        "\tEPERM  socket socketpair otherwise\n"
        "allow mseal#462");
    REQUIRE(rules.size() == 5);
    CHECK(rules[0] == isolate::FilterRule{.line = 3,
                                          .error_number = 0,
                                          .name = "socket",
                                          .number = SYS_socket,
                                          .when = {{0, 0xffffffff, {2, 10}}, {1, 0xf, {1}}}});
    CHECK(rules[1].name == "socketpair");
    CHECK(rules[1].when == rules[0].when);
    CHECK(
        rules[2] ==
        isolate::FilterRule{
            .line = 4, .error_number = EPERM, .name = "socket", .number = SYS_socket, .when = {}});
    CHECK(rules[4].name == "mseal");
    CHECK(rules[4].number == 462);
}

TEST_CASE("a policy that cannot be meant is refused with its line") {
    struct Row {
        std::string name;
        const char* text;
        const char* sentence;
    };
    const Row rows[] = {
        {"empty", "", "line 1: nothing is allowed"},
        {"comments only", "# allow read\n", "line 1: nothing is allowed"},
        {"refusals only", "EPERM mount\nENOSYS bpf\n", "line 1: nothing is allowed"},
        {"a mask of nothing", "allow read if arg0 & 0 == 0\nEPERM read otherwise",
         "line 1: a mask of 0"},
        {"unknown action", "allow read\ndeny write", "line 2: 'deny' is neither"},
        {"unknown errno", "EPREM write", "line 1: 'EPREM' is neither"},
        {"no name", "allow", "line 1: libseccomp does not know ''"},
        {"unknown name", "\n\nallow raed", "line 3: libseccomp does not know 'raed'"},
        {"a keyword for a name", "allow if arg0 == 1", "line 1: libseccomp does not know 'if'"},
        {"a sign for a name", "allow {", "line 1: libseccomp does not know '{'"},
        {"a wrong number", "allow openat2#438", "line 1: 'openat2' has the number 437"},
        {"a number that differs by architecture", "allow sethostname#170",
         "line 1: 'sethostname#170' is not"},
        {"a number out of range", "allow brandnew#99999", "line 1: 'brandnew#99999' is not"},
        {"no number", "allow mseal#", "line 1: 'mseal#' is not"},
        {"a number without a name", "allow #462", "line 1: libseccomp does not know ''"},
        {"twice", "allow read\nallow write read", "line 2: 'read' is already decided in line 1"},
        {"twice in a line", "allow read read", "line 1: 'read' is already decided in line 1"},
        {"one number, two names", "allow one#900\nEPERM two#900",
         "line 2: 'two' is already decided in line 1"},
        {"always after if", "allow read if arg0 == 1\nallow read",
         "line 2: 'read' is already decided in line 1"},
        {"if after always", "allow read\nEPERM read if arg0 == 1",
         "line 2: 'read' is already decided in line 1"},
        {"if after otherwise",
         "allow read if arg0 == 1\nEPERM read otherwise\nallow read if arg0 == 2",
         "line 3: 'read' is already decided in line 2"},
        {"otherwise twice", "allow read if arg0 == 1\nEPERM read otherwise\nEPERM read otherwise",
         "line 3: 'read' is already decided in line 2"},
        {"otherwise alone", "allow read otherwise", "line 1: 'read' has no 'if' line"},
        {"no otherwise", "allow read if arg0 == 1", "line 1: 'read' has no 'otherwise' line"},
        {"a value twice", "allow read if arg0 in {1, 1}\nEPERM read otherwise",
         "line 1: 'read' is already"},
        {"a narrow line after a wide one",
         "allow read if arg0 == 1\nEPERM read if arg0 == 1 and arg1 == 2",
         "line 2: 'read' is already decided in line 1"},
        {"no difference", "allow read if arg0 == 1\nallow read otherwise",
         "line 1: line 2 says the same of 'read'"},
        {"no difference below",
         "allow read if arg0 == 1 and arg1 == 2\nallow read if arg0 == 1\nEPERM read otherwise",
         "line 1: line 2 says the same of 'read'"},
        {"two masks",
         "allow read if arg0 & 1 == 1\nallow read if arg0 & 2 == 2\nEPERM read otherwise",
         "line 2: arguments of 'read' are not compared from the left"},
        {"a gap",
         "allow read if arg0 == 1 and arg1 == 1\nallow read if arg1 == 2\nEPERM read otherwise",
         "line 2: arguments of 'read' are not compared from the left"},
        {"an argument twice", "allow read if arg0 == 1 and arg0 == 2\nEPERM read otherwise",
         "line 1: arguments of 'read' are not compared from the left"},
        {"descending arguments", "allow read if arg1 == 1 and arg0 == 2\nEPERM read otherwise",
         "line 1: arguments of 'read' are not compared from the left"},
        {"bits outside the mask", "allow read if arg0 & 0xf == 16\nEPERM read otherwise",
         "line 1: 16 has bits outside its mask"},
        {"no such argument", "allow read if arg6 == 1", "line 1: 'arg6' is not one of"},
        {"33 bits", "allow read if arg0 == 0x100000000", "line 1: '0x100000000' is not a number"},
        {"negative", "allow read if arg0 == -1", "line 1: '-' is not a number"},
        {"no value", "allow read if arg0 ==", "line 1: '' is not a number"},
        {"an empty set", "allow read if arg0 in {}", "line 1: '}' is not a number"},
        {"an open set", "allow read if arg0 in {1, 2", "line 1: '}' expected before ''"},
        {"another operator", "allow read if arg0 > 1", "line 1: '==' expected before '> 1'"},
        {"or", "allow read if arg0 == 1 or arg0 == 2", "line 1: 'or' does not belong there"},
        {"words after otherwise", "allow read if arg0 == 1\nEPERM read otherwise write",
         "line 2: 'write' does not belong there"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        try {
            isolate::parse_policy(row.text);
            FAIL_CHECK("not refused");
        } catch (const sys::Error& error) {
            CHECK(error.kind() == sys::Kind::invalid);
            CHECK(std::string(error.what()).find(row.sentence) != std::string::npos);
            CHECK(std::string(error.what()).starts_with("seccomp policy, line "));
        }
    }
}

TEST_CASE("a policy too large for the kernel is refused") {
    auto values = std::string("0");
    for (int value = 1; value < 700; ++value) values += ", " + std::to_string(value);
    const auto line = "allow read if arg0 in {" + values + "}";
    CHECK_THROWS_AS(
        isolate::compile_filter(line + " and arg1 in {" + values + "}\nEPERM read otherwise"),
        sys::Error);

    auto text = std::string();
    for (const std::string name : {"read", "write", "ioctl"}) {
        text.append("allow ").append(name).append(" if arg0 in {").append(values);
        text.append("}\nEPERM ").append(name).append(" otherwise\n");
    }
    CHECK_THROWS_AS(isolate::compile_filter(text), sys::Error);
}

TEST_CASE("a damaged policy compiles or is refused as invalid") {
    const auto original = std::string(
        "allow read write mseal#462 # reason\n"
        "allow socket if arg0 in {2, 10} and arg1 & 0xf in {1, 2}\n"
        "EPERM socket if arg0 in {2, 10}\n"
        "EACCES socket otherwise\n");
    const auto alphabet = std::string_view("0123456789abx#{},&= \n\r\targ\0\xff", 28);
    auto random = std::mt19937(7);
    int compiled = 0;
    for (int round = 0; round < 10'000; ++round) {
        auto text = original;
        for (auto edits = random() % 3 + 1; edits > 0; --edits) {
            const auto at = random() % text.size();
            switch (random() % 3) {
                case 0:
                    text[at] = alphabet[random() % alphabet.size()];
                    break;
                case 1:
                    text.erase(at, random() % 8);
                    break;
                default:
                    text.insert(at, text.substr(random() % text.size(), random() % 16));
                    break;
            }
        }
        try {
            compiled += isolate::compile_filter(text).program.empty() ? 0 : 1;
        } catch (const sys::Error& error) {
            CHECK(error.kind() == sys::Kind::invalid);
        }
    }
    CHECK(compiled > 0);
}
