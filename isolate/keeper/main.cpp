// crankcase-keeper: the one process that stays root. Started by crankcased, never by hand; its
// arguments are those of keeper::Options, its only conversation the socket it inherits. The doctor
// asks it for the version of its library (--lxc-version), and it does nothing else then.
#include <getopt.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "isolate/keeper/container.h"
#include "isolate/keeper/keeper.h"
#include "isolate/protocol.h"
#include "isolate/sys/fail_point.h"
#include "isolate/sys/log.h"

namespace {

keeper::Options read_options(int argc, char** argv) {
    static const option names[] = {
        {"socket", required_argument, nullptr, 's'},
        {"instance", required_argument, nullptr, 'i'},
        {"run-directory", required_argument, nullptr, 'r'},
        {"data-directory", required_argument, nullptr, 'd'},
        {"init", required_argument, nullptr, 'p'},
        {"cgroup", required_argument, nullptr, 'c'},
        {"first-uid", required_argument, nullptr, 'f'},
        {"daemon-memory", required_argument, nullptr, 'm'},
        {"daemon-uid", required_argument, nullptr, 'u'},
        {"daemon-gid", required_argument, nullptr, 'g'},
        {"lxc-version", no_argument, nullptr, 'v'},
        {nullptr, 0, nullptr, 0},
    };
    keeper::Options options;
    const auto number = [] {
        return static_cast<std::uint32_t>(std::strtoul(optarg, nullptr, 10));
    };
    for (int name = 0; (name = ::getopt_long(argc, argv, "", names, nullptr)) != -1;) {
        switch (name) {
            case 's':
                options.socket = static_cast<int>(number());
                break;
            case 'i':
                options.instance = optarg;
                break;
            case 'r':
                options.run_directory = optarg;
                break;
            case 'd':
                options.data_directory = optarg;
                break;
            case 'p':
                options.init_program = optarg;
                break;
            case 'c':
                options.cgroup = optarg;
                break;
            case 'f':
                options.first_uid = number();
                break;
            case 'm':
                options.daemon_memory = optarg;
                break;
            case 'u':
                options.daemon_uid = number();
                break;
            case 'g':
                options.daemon_gid = number();
                break;
            case 'v':
                std::printf("%s\n", keeper::lxc_version());
                std::exit(0);
            default:
                std::exit(2);
        }
    }
    return options;
}

}  // namespace

int main(int argc, char** argv) {
    const auto options = read_options(argc, argv);
    if (options.socket < 3 || options.instance.empty() || options.run_directory.empty() ||
        options.data_directory.empty() || options.init_program.empty() || options.first_uid == 0) {
        std::fprintf(stderr, "crankcase-keeper is started by crankcased; run that instead\n");
        return 2;
    }
    // A terminal's ^C reaches the whole process group; the keeper ends when the daemon does, and
    // sweeps.
    ::signal(SIGINT, SIG_IGN);
    ::signal(SIGTERM, SIG_IGN);
    ::signal(SIGHUP, SIG_IGN);
#ifdef CRANKCASE_FAIL_POINTS
    sys::open_fail_control(options.run_directory.c_str());
#endif
    int code = isolate::keeper_cannot_work;
    try {
        keeper::Keeper keeper{options};
        code = isolate::keeper_broke_down;
        keeper.serve();
        return 0;
    } catch (const std::exception& error) {
        sys::log(sys::Level::error, "keeper_failed", {{"error", error.what()}});
        return code;
    }
}
