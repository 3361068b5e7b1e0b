// Every recipe against the host's real toolchains, without a box: what a language's recipe promises
// is run as it would be in a job, in a directory of its own, with the environment a job gets.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "packages/host.h"

namespace {

using namespace packages;
namespace fs = std::filesystem;

std::vector<Manifest> our_recipes() {
    return load_recipes(fs::path(__FILE__).parent_path() / "../../packages/recipes");
}

class TempDir {
public:
    TempDir() {
        std::string pattern = fs::temp_directory_path() / "crankcase-toolchains-XXXXXX";
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        path_ = pattern;
    }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    ~TempDir() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    const fs::path& path() const { return path_; }

private:
    fs::path path_;
};

std::string contents(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>{file}, {}};
}

void write(const fs::path& path, const std::string& text) {
    fs::create_directories(path.parent_path());
    std::ofstream{path, std::ios::binary} << text;
}

struct Ending {
    int exit_code = -1;
    std::string out, err;
};

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> result;
    result.reserve(texts.size() + 1);
    for (auto& text : texts) result.push_back(text.data());
    result.push_back(nullptr);
    return result;
}

// A job's directory, with what belongs to a job and must not be in it kept beside it.
class Workplace {
public:
    Workplace(const Installed& installed,
              const std::vector<std::pair<std::string, std::string>>& files, const fs::path& home)
        : environment_(installed.manifest.environment) {
        fs::create_directories(submission());
        for (const auto& [name, text] : files) {
            write(submission() / name, text);
            names_.emplace_back(name);
        }
        environment_.insert(environment_.begin(),
                            {"LIBC_FATAL_STDERR_=1", "HOME=" + home.native()});
        environment_.push_back("PISTON_LANGUAGE=" + installed.manifest.language);
        environment_.emplace_back("CRANKCASE_MEMORY_LIMIT=268435456");
    }

    Ending compile(const Script& script) { return start(command(script, names_, {}), ""); }

    Ending run(const Script& script, const std::vector<std::string>& args,
               const std::string& input) {
        return start(command(script, {names_.front()}, args), input);
    }

private:
    fs::path submission() const { return directory_.path() / "submission"; }

    std::vector<std::string> command(const Script& script, const std::vector<std::string>& files,
                                     const std::vector<std::string>& args) const {
        std::vector<std::string> argv;
        const auto add = [&](const std::vector<std::string>& more) {
            argv.insert(argv.end(), more.begin(), more.end());
        };
        if (!script.text.empty() && (script.argv.empty() || files.size() > 1)) {
            write(directory_.path() / "script", script.text);
            add({"/bin/sh", directory_.path() / "script"});
            add(files);
            add(args);
            return argv;
        }
        for (const auto& element : script.argv) {
            if (element == "{main}") {
                add({files.front()});
            } else if (element == "{files}") {
                add(files);
            } else if (element == "{args}") {
                add(args);
            } else if (element.find("{heap}") == std::string::npos) {  // there is no limit here
                add({element});
            }
        }
        return argv;
    }

    Ending start(std::vector<std::string> argv, const std::string& input) {
        // So that a toolchain that hangs fails the test instead of stopping it.
        argv.insert(argv.begin(), {"/usr/bin/timeout", "-s", "KILL", "240"});
        const auto file = [&](const char* name) { return directory_.path() / name; };
        write(file("stdin"), input);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        const auto in = file("stdin"), out = file("stdout"), err = file("stderr"),
                   cwd = submission();
        constexpr int fresh = O_WRONLY | O_CREAT | O_TRUNC;
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, in.c_str(), O_RDONLY, 0);
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out.c_str(), fresh, 0600);
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err.c_str(), fresh, 0600);
        posix_spawn_file_actions_addchdir_np(&actions, cwd.c_str());
        // As in a box, whatever other tests have done to this process.
        sigset_t pipes;
        ::sigemptyset(&pipes);
        ::sigaddset(&pipes, SIGPIPE);
        posix_spawnattr_t attributes;
        posix_spawnattr_init(&attributes);
        posix_spawnattr_setsigdefault(&attributes, &pipes);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
        pid_t pid = -1;
        const int error = ::posix_spawn(&pid, argv[0].c_str(), &actions, &attributes,
                                        pointers(argv).data(), pointers(environment_).data());
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&actions);
        REQUIRE(error == 0);
        int status = 0;
        REQUIRE(::waitpid(pid, &status, 0) == pid);
        const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        return {code, contents(out), contents(err)};
    }

    TempDir directory_;
    std::vector<std::string> names_, environment_;
};

enum class End { passes, fails, does_not_compile };

struct Row {
    std::string language, name;
    End end;
    std::vector<std::pair<std::string, std::string>> files;
    std::string out = "hello\n[a b]\n[*]\ntwo é\n";  // of the echo programs
};

const std::vector<std::string> arguments = {"a b", "*"};
const std::string input = "one\ntwo é\n";

// The echo programs greet, print each argument in brackets and the last line of stdin. File names
// are those clients send: Piston's default, a bare name, a proper one.
const Row rows[] = {
    {"awk", "echo", End::passes, {{"file0.code", R"(
        BEGIN { print "hello"; for (i = 1; i < ARGC; i++) print "[" ARGV[i] "]"; ARGC = 1 }
        { last = $0 }
        END { print last })"}}},
    {"awk", "does not parse", End::fails, {{"file0.code", "BEGIN { print ( }"}}},

    {"bash", "echo", End::passes, {{"file0.code", R"(
        echo hello; printf '[%s]\n' "$@"; mapfile -t lines; echo "${lines[-1]}")"}}},
    {"bash", "fails", End::fails, {{"main", "false"}}},
    {"bash",
     "two files",
     End::passes,
     {{"main.sh", ". ./lib.sh; greet"}, {"lib.sh", "greet() { echo hello; }"}},
     "hello\n"},

    {"dash", "echo", End::passes, {{"file0.code", R"(
        echo hello; printf '[%s]\n' "$@"; while read -r line; do last=$line; done; echo "$last")"}}},
    {"dash", "fails", End::fails, {{"main", "exit 3"}}},

    {"c", "echo", End::passes, {{"file0.code", R"(
        #include <math.h>
        #include <stdio.h>
        int main(int argc, char** argv) {
            char line[99];
            puts("hello");
            for (int i = 1; i < argc; i++) printf("[%s]\n", argv[i]);
            while (fgets(line, sizeof line, stdin)) {}
            printf("%s", line);
            return sin(argc) > 2;
        })"}}},
    {"c", "fails", End::fails, {{"main", "#include <stdlib.h>\nint main() { abort(); }"}}},
    {"c", "does not compile", End::does_not_compile, {{"main.c", "int main() { return }"}}},
    {"c",
     "two files and a header",
     End::passes,
     {{"main", "#include \"greet.h\"\nint main() { greet(text); }"},
      {"greet.c", "#include <stdio.h>\nvoid greet(const char* t) { puts(t); }"},
      {"greet.h", "void greet(const char*);\nconst char* text = \"hello\";"}},
     "hello\n"},

    {"c++", "echo", End::passes, {{"file0.code", R"(
        #include <iostream>
        #include <string>
        int main(int argc, char** argv) {
            std::cout << "hello\n";
            for (int i = 1; i < argc; i++) std::cout << "[" << argv[i] << "]\n";
            std::string line, last;
            while (std::getline(std::cin, line)) last = line;
            std::cout << last << "\n";
        })"}}},
    {"c++", "fails", End::fails, {{"main", "int main() { throw 1; }"}}},
    {"c++", "does not compile", End::does_not_compile, {{"main.cpp", "int main() { return }"}}},
    {"c++",
     "begins with a header that was read ahead, and lacks another",
     End::does_not_compile,
     {{"main.cpp", "#include <iostream>\nint main() { std::multimap<int, int> none; }"}}},
    {"c++",
     "begins with all headers, after a word of its own",
     End::passes,
     {{"main.cpp",
       "// sorts\n\n#include <bits/stdc++.h>\nint main() { std::set<std::string> all{\"hello\"}; "
       "std::cout << *all.begin() << std::endl; }"}},
     "hello\n"},
    {"c++",
     "two files and a header",
     End::passes,
     {{"main", "#include \"greet.hpp\"\nint main() { greet(text); }"},
      {"greet.cc", "#include <cstdio>\nvoid greet(const char* t) { std::puts(t); }"},
      {"greet.hpp", "void greet(const char*);\nconst char* text = \"hello\";"}},
     "hello\n"},

    {"d", "echo", End::passes, {{"file0.code", R"(
        import std.stdio;
        void main(string[] args) {
            writeln("hello");
            foreach (arg; args[1 .. $]) writeln("[", arg, "]");
            string last;
            foreach (line; stdin.byLineCopy) last = line;
            writeln(last);
        })"}}},
    {"d", "does not compile", End::does_not_compile, {{"main", "void main() { return }"}}},

    {"fortran",
     "two files",
     End::passes,
     {{"file0.code",
       "module greeting\ncontains\nsubroutine greet\nprint '(a)', 'hello'\nend\nend module"},
      {"main", "program main\nuse greeting\ncall greet\nend program"}},
     "hello\n"},
    {"fortran", "fails", End::fails, {{"main.f90", "program p\nerror stop 3\nend program"}}},
    {"fortran", "does not compile", End::does_not_compile, {{"main", "program p\nx = (\nend"}}},

    {"go", "echo", End::passes, {{"file0.code", R"(
        package main
        import ("bufio"; "fmt"; "os")
        func main() {
            fmt.Println("hello")
            for _, arg := range os.Args[1:] { fmt.Printf("[%s]\n", arg) }
            last, scanner := "", bufio.NewScanner(os.Stdin)
            for scanner.Scan() { last = scanner.Text() }
            fmt.Println(last)
        })"}}},
    {"go", "fails", End::fails, {{"main", "package main\nfunc main() { panic(1) }"}}},
    {"go",
     "does not compile",
     End::does_not_compile,
     {{"main.go", "package main\nfunc main() { x }"}}},
    {"go",
     "two files",
     End::passes,
     {{"main", "package main\nfunc main() { greet() }"},
      {"lib.go", "package main\nimport \"fmt\"\nfunc greet() { fmt.Println(\"hello\") }"}},
     "hello\n"},
    {"go",
     "a module",
     End::passes,
     {{"main.go", "package main\nimport \"job/lib\"\nfunc main() { lib.Greet() }"},
      {"go.mod", "module job\ngo 1.18\n"},
      {"lib/lib.go", "package lib\nimport \"fmt\"\nfunc Greet() { fmt.Println(\"hello\") }"}},
     "hello\n"},

    {"java", "echo", End::passes, {{"file0.code", R"(
        import java.util.Scanner;
        public class Echo {
            public static void main(String[] args) {
                System.out.println("hello");
                for (var arg : args) System.out.println("[" + arg + "]");
                var last = "";
                for (var in = new Scanner(System.in); in.hasNextLine();) last = in.nextLine();
                System.out.println(last);
            }
        })"}}},
    {"java",
     "fails",
     End::fails,
     {{"Main.java", "class Main { public static void main(String[] a) { throw new Error(); } }"}}},
    {"java", "does not compile", End::does_not_compile, {{"main", "class Main { return }"}}},
    {"java", "has no main", End::fails, {{"main", "class Main {}"}}},
    {"java",
     "a class not named as its file, with main in the second",
     End::passes,
     {{"main.java", R"(
class Greeter { void greet() { System.out.println("hello"); } }
public final class Program { public static void main(String[] a) { new Greeter().greet(); } })"}},
     "hello\n"},
    {"java",
     "two files in a package, both with a main",
     End::passes,
     {{"file0.code", R"(package com.example;
public class Zebra { public static void main(String[] a) { Ant.greet(); } })"},
      {"file1.code", R"(package com.example;
public class Ant {
    static void greet() { System.out.println("hello"); }
    public static void main(String[] a) { System.out.println("the wrong main"); }
})"}},
     "hello\n"},

    {"javascript", "echo", End::passes, {{"file0.code", R"(
        console.log("hello");
        process.argv.slice(2).forEach(arg => console.log(`[${arg}]`));
        console.log(require("fs").readFileSync(0, "utf8").trim().split("\n").pop());)"}}},
    {"javascript", "fails", End::fails, {{"main", "throw new Error()"}}},
    {"javascript",
     "two files",
     End::passes,
     {{"main", "require('./lib.js')()"}, {"lib.js", "module.exports = () => console.log('hello')"}},
     "hello\n"},

    {"lua", "echo", End::passes, {{"file0.code", R"(
        print("hello")
        for i = 1, #arg do print("[" .. arg[i] .. "]") end
        local last
        for line in io.lines() do last = line end
        print(last))"}}},
    {"lua", "fails", End::fails, {{"main", "error('no')"}}},
    {"lua",
     "two files",
     End::passes,
     {{"main.lua", "require('lib').greet()"},
      {"lib.lua", "return { greet = function() print('hello') end }"}},
     "hello\n"},

    {"perl", "echo", End::passes, {{"file0.code", R"(
        print "hello\n"; print "[$_]\n" for @ARGV; @ARGV = ();
        my @lines = <STDIN>; print $lines[-1];)"}}},
    {"perl", "fails", End::fails, {{"main", "die 'no';"}}},
    {"perl",
     "two files",
     End::passes,
     {{"main.pl", "use lib '.'; use Lib; Lib::greet();"},
      {"Lib.pm", R"(package Lib; sub greet { print "hello\n" } 1;)"}},
     "hello\n"},

    {"php", "echo", End::passes, {{"file0.code", R"(<?php
        echo "hello\n";
        foreach (array_slice($argv, 1) as $arg) echo "[$arg]\n";
        echo array_slice(file('php://stdin'), -1)[0];)"}}},
    {"php", "fails", End::fails, {{"main", "<?php nothing();"}}},
    {"php",
     "two files",
     End::passes,
     {{"main", "<?php require 'lib.php'; greet();"},
      {"lib.php", R"(<?php function greet() { echo "hello\n"; })"}},
     "hello\n"},

    {"python", "echo", End::passes, {{"file0.code", R"(
import sys
print("hello")
for arg in sys.argv[1:]: print(f"[{arg}]")
print(sys.stdin.read().splitlines()[-1]))"}}},
    {"python", "fails", End::fails, {{"main", "1 / 0"}}},
    {"python",
     "two files",
     End::passes,
     {{"main", "import lib; lib.greet()"}, {"lib.py", "def greet(): print('hello')"}},
     "hello\n"},

    {"ruby", "echo", End::passes, {{"file0.code", R"(
        puts "hello"; ARGV.each { |arg| puts "[#{arg}]" }
        puts STDIN.readlines.last.split("é").join("é"))"}}},
    {"ruby", "fails", End::fails, {{"main", "raise 'no'"}}},
    {"ruby",
     "two files",
     End::passes,
     {{"main", "require_relative 'lib'; greet"}, {"lib.rb", "def greet = puts('hello')"}},
     "hello\n"},

    {"rust", "echo", End::passes, {{"file0.code", R"(
        fn main() {
            println!("hello");
            for arg in std::env::args().skip(1) { println!("[{arg}]"); }
            println!("{}", std::io::stdin().lines().last().unwrap().unwrap());
        })"}}},
    {"rust", "fails", End::fails, {{"main", "fn main() { panic!() }"}}},
    {"rust", "does not compile", End::does_not_compile, {{"main.rs", "fn main() { x }"}}},
    {"rust",
     "two files",
     End::passes,
     {{"main", "mod greeting; fn main() { greeting::greet() }"},
      {"greeting.rs", "pub fn greet() { println!(\"hello\") }"}},
     "hello\n"},
};

void check(const Installed& installed, const Row& row, const fs::path& home) {
    Workplace workplace(installed, row.files, home);
    if (installed.manifest.compile) {
        const auto compiled = workplace.compile(*installed.manifest.compile);
        CAPTURE(compiled.err);
        CHECK((compiled.exit_code == 0) == (row.end != End::does_not_compile));
        CHECK(compiled.err.empty() == (row.end != End::does_not_compile));
        if (compiled.exit_code != 0) return;
    }
    const auto ran = workplace.run(installed.manifest.run, arguments, input);
    CAPTURE(ran.err);
    CHECK((ran.exit_code == 0) == (row.end == End::passes));
    if (row.end == End::passes) {
        CHECK(ran.out == row.out);
        CHECK(ran.err == "");
    }
}

TEST_CASE("every host toolchain does what its recipe promises") {
    const TempDir home;
    const auto toolchains = find_host_toolchains(our_recipes());
    REQUIRE(!toolchains.empty());
    for (const auto& row : rows) {
        bool tried = false;
        for (const auto& installed : toolchains) {
            if (installed.manifest.language != row.language) continue;
            tried = true;
            CAPTURE(row.language);
            CAPTURE(row.name);
            CAPTURE(installed.program);
            check(installed, row, home.path());
        }
        if (!tried) MESSAGE("skipped: the host has no " << row.language << ": " << row.name);
    }
}

TEST_CASE("every recipe has a program that passes") {
    for (const auto& recipe : our_recipes()) {
        CAPTURE(recipe.language);
        CHECK(std::ranges::any_of(rows, [&](const Row& row) {
            return recipe.language == row.language && row.end == End::passes;
        }));
    }
}

}  // namespace
