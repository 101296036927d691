#include "gateway/system/gates.hpp"

#include <memory>
#include <utility>

#include "base/version.hpp"

namespace photogate::gateway::system {
namespace {

namespace gates = notifier::gates;
using model::Hooks;
using pipeline::jobs::HookRefusal;
using pipeline::jobs::Proven;

/// What a client is told of a refusal.
Error refusal(const gates::Verdict& verdict) {
    auto detail =
        verdict.reason.empty() ? std::string{"the app's own check refused the upload"} : verdict.reason;
    if (!verdict.code.empty()) detail += " (" + verdict.code + ")";
    return {ErrorCode::refused_by_hook, std::move(detail), {}, std::nullopt};
}

}  // namespace

storage::http::ClientOptions callback_client(const config::Config& config) {
    storage::http::ClientOptions options;
    options.user_agent = kUserAgent;
    options.guard = [&config](const sockaddr& address) {
        return config.callbacks.policy.guard.permits(address);
    };
    options.ca_file = config.callbacks.ca_file;
    return options;
}

Gates::Gates(const config::Config& config, const model::LiveApps& apps, const std::string& image_base,
             const Clock& clock, telemetry::Metrics& metrics)
    : apps_(apps),
      image_base_(image_base),
      clock_(clock),
      http_(callback_client(config)),
      caller_(http_, clock, metrics),
      scanner_metrics_(metrics),
      pool_({}) {
    if (config.scanner.kind == config::Scanner::Kind::clamd)
        scanner_.emplace(config.scanner.clamd, scanner_metrics_);
    metrics.before_render(
        [this,
         waiting = metrics.gauge({"photogate_hook_waiting", "Uploads that wait for their app's hook.", {}}),
         refused = metrics.mirrored_counter({"photogate_hook_refused_total",
                                             "Uploads whose turn to ask their app's hook did not come.",
                                             {}})]() mutable {
            const auto counts = pool_.counts();
            waiting.set(static_cast<double>(counts.waiting + counts.active));
            refused.show(counts.refused);
        });
}

gates::Links Gates::links_of(const model::Upload& upload) const {
    return {image_base_, model::is_private(*apps_.now(), upload.app, upload.profile)
                             ? notifier::callbacks::Audience::link_holders
                             : notifier::callbacks::Audience::everybody};
}

void Gates::ask_before_grant(const model::Upload& upload, const std::string& repeated_as,
                             std::function<void(Result<>)> done) {
    const auto apps = apps_.now();
    const auto app = apps->find(upload.app);
    const auto* profile = app == apps->end() ? nullptr : [&]() -> const model::Profile* {
        const auto found = app->second.profiles.find(upload.profile);
        return found == app->second.profiles.end() ? nullptr : &found->second;
    }();
    // The configuration has changed since it was planned.
    if (profile == nullptr || !profile->hooks.before_grant) return done({});
    struct Asked {
        std::shared_ptr<const model::Apps> apps;  ///< that the references are into
        const model::App& app;
        const Hooks& hooks;
        gates::Question question;
        std::function<void(Result<>)> done;
    };
    const auto asked = std::make_shared<Asked>(
        Asked{apps, app->second, profile->hooks,
              gates::grant_question(upload, repeated_as, links_of(upload), clock_.now()), std::move(done)});
    const auto without_verdict = [this, asked](Error error) {
        if (asked->hooks.on_failure == Hooks::OnFailure::closed) return asked->done(fail(std::move(error)));
        caller_.passed_open(gates::Hook::before_grant);
        asked->done({});
    };
    // The bearer of a client token can bring it about that no turn comes, with many requests: his are not let through by that.
    const auto without_turn = [asked, without_verdict,
                               by_token = upload.client_token.has_value()](Error error) {
        if (by_token) return asked->done(fail(std::move(error)));
        without_verdict(std::move(error));
    };
    auto taken =
        pool_.submit(*asked->hooks.before_grant, [this, asked, without_verdict, without_turn](Result<> turn) {
            const auto& url = *asked->hooks.before_grant;
            if (!turn) return without_turn(std::move(turn.error()));
            if (auto away = caller_.away(gates::Hook::before_grant, url))
                return without_verdict(std::move(*away));
            auto verdict = caller_.ask({gates::Hook::before_grant, url, asked->hooks.timeout, asked->app.name,
                                        asked->app.callback_secrets},
                                       asked->question);
            if (!verdict) return without_verdict(std::move(verdict.error()));
            asked->done(verdict->allows() ? Result<>{} : Result<>{fail(refusal(*verdict))});
        });
    if (!taken) without_turn(std::move(taken.error()));
}

pipeline::jobs::PublishGates Gates::publish_gates() {
    pipeline::jobs::PublishGates made;
    made.away = [this](const model::Profile& profile) { return away(profile); };
    if (scanner_)
        made.scan = [this](const imaging::MemoryFile& file) {
            return scanner_->scan(file.descriptor(), file.size());
        };
    made.ask = [this](const Proven& proven) { return ask_before_publish(proven); };
    return made;
}

std::optional<Error> Gates::away(const model::Profile& profile) {
    const auto& hooks = profile.hooks;
    const bool waits_for_hook = hooks.before_publish && hooks.on_failure == Hooks::OnFailure::closed;
    // Whoever is let through to one of them is not to be stopped by the other.
    const bool in_vain = waits_for_hook && caller_.is_left_alone(*hooks.before_publish);
    if (scanner_ && !in_vain) {
        if (auto error = scanner_->away()) return error;
    }
    return waits_for_hook ? caller_.away(gates::Hook::before_publish, *hooks.before_publish) : std::nullopt;
}

Result<std::optional<HookRefusal>> Gates::ask_before_publish(const Proven& proven) {
    const auto& hooks = proven.profile.hooks;
    const auto& url = *hooks.before_publish;
    const bool open = hooks.on_failure == Hooks::OnFailure::open;
    const auto pass = [&]() -> Result<std::optional<HookRefusal>> {
        caller_.passed_open(gates::Hook::before_publish);
        return std::optional<HookRefusal>{};
    };
    if (open && caller_.away(gates::Hook::before_publish, url)) return pass();
    auto upload = proven.job.upload;
    upload.state = model::UploadState::processing;
    upload.facts = proven.facts;
    const auto& image = proven.image;
    const auto question =
        gates::publish_question(upload, {image.format, image.width, image.height, image.size, image.sha256},
                                links_of(upload), clock_.now());
    auto verdict = caller_.ask(
        {gates::Hook::before_publish, url, hooks.timeout, proven.app.name, proven.app.callback_secrets},
        question);
    if (!verdict && open) return pass();
    if (!verdict) return fail(std::move(verdict.error()));
    if (verdict->allows()) return std::optional<HookRefusal>{};
    return std::optional{HookRefusal{std::move(verdict->code), std::move(verdict->reason)}};
}

}  // namespace photogate::gateway::system
