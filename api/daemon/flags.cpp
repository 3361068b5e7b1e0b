#include "api/daemon/flags.h"

#include <getopt.h>

#include <string>
#include <utility>
#include <vector>

namespace daemon_process {

const char* const usage =
    "crankcased - runs untrusted code in pre-warmed containers, over Piston's API\n"
    "\n"
    "usage: crankcased [--config FILE] [--listen ADDRESS:PORT] [--set KEY=VALUE]...\n"
    "\n"
    "  -c, --config FILE      settings (default: /etc/crankcase/crankcase.toml, if it exists)\n"
    "  -l, --listen ADDRESS   same as --set server.listen=ADDRESS\n"
    "      --mode MODE        http, grpc or both; gRPC is on 127.0.0.1:50051 unless said "
    "otherwise\n"
    "      --http-port PORT   same as --set server.listen=127.0.0.1:PORT\n"
    "      --grpc-port PORT   same as --set grpc.listen=127.0.0.1:PORT\n"
    "  -s, --set KEY=VALUE    one setting, for example --set pool.runners=4\n"
    "      --check-config     read the settings, say what is wrong with them, and exit\n"
    "      --show-config      print every setting, its value and where that came from\n"
    "      --version          print the version\n"
    "  -h, --help             print this\n"
    "\n"
    "Settings come from flags, then the environment (CRANKCASE_SECTION_KEY, or Piston's PISTON_* "
    "names),\n"
    "then the file, then the defaults. Start it as root: it starts containers, and serves as the "
    "user\n"
    "`crankcase`. SIGTERM stops it after the running jobs; SIGHUP makes it read the settings and "
    "look for toolchains again.\n";

namespace {

// What code-executor's flags say of its two doors. A mode outranks the port of a door it closes,
// for they are given together there.
struct DoorFlags {
    enum : int { mode_flag = 2000, http_flag, grpc_flag };

    std::string mode, http_port, grpc_port;

    std::string* find(int flag) {
        if (flag == mode_flag) return &mode;
        if (flag == http_flag) return &http_port;
        return flag == grpc_flag ? &grpc_port : nullptr;
    }

    std::string complaint() const {
        const bool known = mode.empty() || mode == "http" || mode == "grpc" || mode == "both";
        return known ? "" : "--mode wants http, grpc or both, not " + mode;
    }

    void add_to(std::vector<std::pair<std::string, std::string>>& settings) const {
        const std::string loopback = "127.0.0.1:";
        if (mode == "grpc") {
            settings.emplace_back("server.listen", "none");
        } else if (!http_port.empty()) {
            settings.emplace_back("server.listen", loopback + http_port);
        }
        if (mode == "http") {
            settings.emplace_back("grpc.listen", "");
        } else if (!mode.empty() || !grpc_port.empty()) {
            settings.emplace_back("grpc.listen",
                                  loopback + (grpc_port.empty() ? "50051" : grpc_port));
        }
    }
};

}  // namespace

Flags read_flags(int argc, char** argv) {
    enum : int { check = 1000, show, print_version };
    static const option names[] = {
        {"config", required_argument, nullptr, 'c'},
        {"listen", required_argument, nullptr, 'l'},
        {"set", required_argument, nullptr, 's'},
        {"mode", required_argument, nullptr, DoorFlags::mode_flag},
        {"http-port", required_argument, nullptr, DoorFlags::http_flag},
        {"grpc-port", required_argument, nullptr, DoorFlags::grpc_flag},
        {"check-config", no_argument, nullptr, check},
        {"show-config", no_argument, nullptr, show},
        {"version", no_argument, nullptr, print_version},
        {"help", no_argument, nullptr, 'h'},
        {nullptr, 0, nullptr, 0},
    };
    Flags flags;
    DoorFlags doors;
    for (int name = 0; (name = ::getopt_long(argc, argv, "c:l:s:h", names, nullptr)) != -1;) {
        const std::string value = optarg ? optarg : "";
        const auto equals = value.find('=');
        switch (name) {
            case 'c':
                flags.config_file = value;
                break;
            case 'l':
                flags.settings.emplace_back("server.listen", value);
                break;
            case 's':
                if (equals == std::string::npos)
                    flags.complaint = "--set wants KEY=VALUE, not " + value;
                flags.settings.emplace_back(
                    value.substr(0, equals),
                    equals == std::string::npos ? "" : value.substr(equals + 1));
                break;
            case check:
                flags.action = Flags::Action::check;
                break;
            case show:
                flags.action = Flags::Action::show;
                break;
            case print_version:
                flags.action = Flags::Action::version;
                break;
            case 'h':
                flags.action = Flags::Action::help;
                break;
            default:
                if (auto* const flag = doors.find(name)) {
                    *flag = value;
                    break;
                }
                flags.complaint = "see crankcased --help";
                break;
        }
    }
    doors.add_to(flags.settings);
    if (const auto why = doors.complaint(); !why.empty()) flags.complaint = why;
    if (optind < argc) flags.complaint = std::string{"unexpected argument "} + argv[optind];
    return flags;
}

}  // namespace daemon_process
