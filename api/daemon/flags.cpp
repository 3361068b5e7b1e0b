#include "api/daemon/flags.h"

#include <getopt.h>

namespace daemon_process {

const char* const usage =
    "crankcased - runs untrusted code in pre-warmed containers, over Piston's API\n"
    "\n"
    "usage: crankcased [--config FILE] [--listen ADDRESS:PORT] [--set KEY=VALUE]...\n"
    "\n"
    "  -c, --config FILE      settings (default: /etc/crankcase/crankcase.toml, if it exists)\n"
    "  -l, --listen ADDRESS   same as --set server.listen=ADDRESS\n"
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

Flags read_flags(int argc, char** argv) {
    enum : int { check = 1000, show, print_version };
    static const option names[] = {
        {"config", required_argument, nullptr, 'c'},
        {"listen", required_argument, nullptr, 'l'},
        {"set", required_argument, nullptr, 's'},
        {"check-config", no_argument, nullptr, check},
        {"show-config", no_argument, nullptr, show},
        {"version", no_argument, nullptr, print_version},
        {"help", no_argument, nullptr, 'h'},
        {nullptr, 0, nullptr, 0},
    };
    Flags flags;
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
                flags.complaint = "see crankcased --help";
                break;
        }
    }
    if (optind < argc) flags.complaint = std::string{"unexpected argument "} + argv[optind];
    return flags;
}

}  // namespace daemon_process
