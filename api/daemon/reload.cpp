#include "api/daemon/reload.h"

#include <exception>
#include <memory>
#include <utility>
#include <vector>

#include "isolate/sys/log.h"

namespace daemon_process {

namespace {

std::string joined(const std::vector<std::string>& keys) {
    std::string text;
    for (const auto& key : keys) text.append(text.empty() ? "" : " ").append(key);
    return text;
}

void put_in_force(Reloadable& parts) {
    const auto loaded = config::load(parts.sources);
    const auto next = config::reloaded(parts.policy.get()->settings, loaded.settings);
    auto policy = resources::make_policy(next.settings);
    auto installer = std::make_shared<packages::Installer>(
        parts.installed.store(), packages::installer_settings(next.settings, parts.recipes));

    parts.installed.reload(next.settings);  // the last that can fail
    parts.policy.replace(std::move(policy));
    parts.packages.replace_installer(std::move(installer));
    set_log_level(next.settings.log_level);

    for (const auto& key : next.needs_restart)
        sys::log(sys::Level::warn, "setting_needs_restart",
                 {{"setting", key}, {"consequence", "needs a restart and stays as it was"}});
    sys::log(sys::Level::info, "reloaded", {{"changed", joined(next.changed)}});
}

}  // namespace

void reload(Reloadable& parts) {
    parts.audit.reopen();  // whatever becomes of the settings
    try {
        put_in_force(parts);
    } catch (const std::exception& error) {
        sys::log(sys::Level::error, "reload_failed",
                 {{"error", error.what()}, {"consequence", "everything stays as it was"}});
    }
}

void set_log_level(config::LogLevel level) {
    switch (level) {
        case config::LogLevel::debug:
            return sys::set_log_level(sys::Level::debug);
        case config::LogLevel::info:
            return sys::set_log_level(sys::Level::info);
        case config::LogLevel::warn:
            return sys::set_log_level(sys::Level::warn);
        case config::LogLevel::error:
            return sys::set_log_level(sys::Level::error);
        case config::LogLevel::none:
            return sys::log_nothing();
    }
}

}  // namespace daemon_process
