#include <fmt/format.h>

#include "gateway/config/callback_url.hpp"
#include "gateway/config/given.hpp"
#include "gateway/config/validate.hpp"
#include "scanner/clamd.hpp"
#include "scanner/icap.hpp"

namespace photogate::gateway::config {
namespace {

void check_hook(const std::optional<std::string>& url, const std::string& key, const Config& config,
                const std::string& app_table, Report& report) {
    if (!url) return;
    if (const auto checked = check_own_callback_url(*url, config.callbacks.policy); !checked)
        report.mistake(key, "is not valid: " + checked.error().detail);
    if (!report.given(app_table + ".callback_secrets"))
        report.mistake(key, "needs callback_secrets of the app: hooks are always signed");
}

void check_hooks(const model::Hooks& hooks, const std::string& table, const Config& config,
                 const std::string& app_table, Report& report) {
    check_hook(hooks.before_grant, table + ".before_grant", config, app_table, report);
    check_hook(hooks.before_publish, table + ".before_publish", config, app_table, report);
    if (hooks.original == model::Hooks::Original::linked && !hooks.before_publish)
        report.warning(table + ".include_original_url", "has no effect without before_publish");
}

template <class T>
std::optional<std::string> error_of(const Result<T>& parsed) {
    return parsed ? std::nullopt : std::optional{parsed.error().detail};
}

void check_scanner(const Config& config, Report& report) {
    const auto& scanner = config.scanner;
    if (scanner.kind == Scanner::Kind::none) {
        for (const auto* key :
             {"scanner.address", "scanner.timeout", "scanner.max_stream", "scanner.on_limit"}) {
            if (report.given(key)) report.warning(key, "has no effect without scanner.kind");
        }
        return;
    }
    const bool is_clamd = scanner.kind == Scanner::Kind::clamd;
    if (scanner.address.empty()) {
        report.mistake("scanner.kind",
                       fmt::format("is {}: scanner.address is required, here or as PHOTOGATE_SCANNER_ADDRESS",
                                   is_clamd ? "clamd" : "icap"));
    } else {
        const auto wrong = is_clamd ? error_of(scanner::parse_clamd_address(scanner.address))
                                    : error_of(scanner::parse_icap_address(scanner.address));
        if (wrong) report.mistake("scanner.address", "is not valid: " + *wrong);
    }
    for (const auto& [name, app] : config.apps) {
        for (const auto& [profile_name, profile] : app.profiles) {
            if (profile.limits.max_bytes <= scanner.max_stream) continue;
            report.mistake(
                "scanner.max_stream",
                fmt::format("is {}, less than max_size ({}) of apps.{}.profiles.{}: such files would have no "
                            "verdict; "
                            "raise it together with the scanner's own limit (StreamMaxLength in clamd.conf)",
                            size_text(scanner.max_stream), size_text(profile.limits.max_bytes), name.str(),
                            profile_name.str()));
        }
    }
}

}  // namespace

void check_gates(Config& config, Report& report) {
    for (const auto& [name, hooks] : config.hooks) {
        const auto table = "apps." + name.str();
        const auto app = config.apps.find(name);
        if (app == config.apps.end()) {
            report.mistake(table + ".hooks", "belong to apps: an operator has none");
            continue;
        }
        check_hooks(hooks, table + ".hooks", config, table, report);
        app->second.hooks = hooks;
        for (auto& [profile_name, profile] : app->second.profiles) {
            const auto its_table = fmt::format("{}.profiles.{}.hooks", table, profile_name.str());
            if (!report.given(its_table)) profile.hooks = hooks;
        }
    }
    for (const auto& [name, app] : config.apps) {
        const auto table = "apps." + name.str();
        for (const auto& [profile_name, profile] : app.profiles) {
            const auto its_table = fmt::format("{}.profiles.{}.hooks", table, profile_name.str());
            if (report.given(its_table)) check_hooks(profile.hooks, its_table, config, table, report);
        }
    }
    check_scanner(config, report);
}

}  // namespace photogate::gateway::config
