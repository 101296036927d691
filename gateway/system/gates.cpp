#include "gateway/system/gates.hpp"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "base/encoding.hpp"
#include "base/version.hpp"
#include "pipeline/jobs/original_link.hpp"
#include "scanner/clamd.hpp"
#include "scanner/icap.hpp"
#include "signer/digest.hpp"

namespace photogate::gateway::system {
namespace {

namespace gates = notifier::gates;
using model::Hooks;
using pipeline::jobs::HookRefusal;
using pipeline::jobs::Proven;

constexpr std::uint32_t kScanAttempts = 3;
constexpr std::chrono::seconds kLinkBeyondCall{30};
const char* const kScannerGate = "scanner";

/// Its name in the rows of jobs that wait for it. A URL may hold a secret, and be long.
std::string gate_of(const std::string& url) {
    return "hook:" + hex_lower(signer::sha256(url)).substr(0, 16);
}

std::unique_ptr<scanner::Engine> scanner_engine(const config::Config& config) {
    const auto& options = config.scanner;
    if (options.kind == config::Scanner::Kind::clamd)
        return std::make_unique<scanner::Clamd>(scanner::ClamdOptions{options.address, options.max_stream});
    auto address = scanner::parse_icap_address(options.address);
    // A connection for each upload that is processed at once.
    return std::make_unique<scanner::Icap>(scanner::IcapOptions{
        std::move(*address), options.max_stream, std::max<std::size_t>(1, config.worker.concurrency)});
}

pipeline::jobs::Scanned scanned(scanner::Verdict verdict) {
    using Ours = pipeline::jobs::Scanned::Verdict;
    switch (verdict.kind) {
        case scanner::Verdict::Kind::clean:
            return {Ours::clean, {}};
        case scanner::Verdict::Kind::found:
            return {Ours::found, std::move(verdict.text)};
        case scanner::Verdict::Kind::beyond:
            return {Ours::beyond, std::move(verdict.text)};
        case scanner::Verdict::Kind::failed:
            break;
    }
    return {Ours::failed, std::move(verdict.text)};
}

/// Whose turn it is to ask a hook: an app's, or one client token's.
std::string asker_of(const model::Upload& upload) {
    return upload.app.str() + "/" + upload.client_token.value_or("");
}

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
    : config_(config),
      apps_(apps),
      image_base_(image_base),
      clock_(clock),
      http_(callback_client(config)),
      caller_(http_, clock, metrics),
      scanner_metrics_(metrics),
      pool_({}) {
    if (config.scanner.kind != config::Scanner::Kind::none)
        scanner_.emplace(scanner_engine(config), config.scanner.timeout, scanner_metrics_);
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
        pool_.submit(*asked->hooks.before_grant, asker_of(upload),
                     [this, asked, without_verdict, without_turn](Result<> turn) {
                         const auto& url = *asked->hooks.before_grant;
                         if (!turn) return without_turn(std::move(turn.error()));
                         if (auto away = caller_.away(gates::Hook::before_grant, url))
                             return without_verdict(std::move(*away));
                         auto verdict = caller_.ask({gates::Hook::before_grant, url, asked->hooks.timeout,
                                                     asked->app.name, asked->app.callback_secrets},
                                                    asked->question);
                         if (!verdict) return without_verdict(std::move(verdict.error()));
                         asked->done(verdict->allows() ? Result<>{} : Result<>{fail(refusal(*verdict))});
                     });
    if (!taken) without_turn(std::move(taken.error()));
}

pipeline::jobs::PublishGates Gates::publish_gates() {
    pipeline::jobs::PublishGates made;
    made.away = [this](const model::Profile& profile) { return away(profile); };
    if (scanner_) {
        made.scan = [this](const imaging::MemoryFile& file, const std::string& sha256) {
            return scanner_->scan(file.descriptor(), file.size(), sha256).map(scanned);
        };
        made.scan_attempts = std::clamp<std::uint32_t>(config_.database.max_attempts, 1, kScanAttempts);
        if (config_.scanner.on_limit == config::Scanner::OnLimit::publish)
            made.pass_unscanned = [this] { scanner_->passed(); };
    }
    made.ask = [this](const Proven& proven) { return ask_before_publish(proven); };
    return made;
}

std::optional<pipeline::jobs::GateAway> Gates::away(const model::Profile& profile) {
    const auto& hooks = profile.hooks;
    const bool waits_for_hook = hooks.before_publish && hooks.on_failure == Hooks::OnFailure::closed;
    // Whoever is let through to one of them is not to be stopped by the other.
    const bool in_vain = waits_for_hook && caller_.is_left_alone(*hooks.before_publish);
    if (scanner_ && !in_vain) {
        if (auto error = scanner_->away()) return pipeline::jobs::GateAway{kScannerGate, std::move(*error)};
    }
    if (!waits_for_hook) return std::nullopt;
    auto error = caller_.away(gates::Hook::before_publish, *hooks.before_publish);
    if (!error) return std::nullopt;
    return pipeline::jobs::GateAway{gate_of(*hooks.before_publish), std::move(*error)};
}

storage::records::HeldJobs Gates::held() const {
    storage::records::HeldJobs held;
    const auto add = [&](Breaker::State state, std::string gate) {
        if (state == Breaker::State::open)
            held.away.push_back(std::move(gate));
        else if (state == Breaker::State::due)
            held.tried.push_back(std::move(gate));
    };
    if (scanner_) add(scanner_->state(), kScannerGate);
    std::set<std::string> urls;
    const auto apps = apps_.now();
    for (const auto& [name, app] : *apps) {
        for (const auto& [profile_name, profile] : app.profiles) {
            const auto& hooks = profile.hooks;
            if (hooks.before_publish && hooks.on_failure == Hooks::OnFailure::closed)
                urls.insert(*hooks.before_publish);
        }
    }
    for (const auto& url : urls)
        add(caller_.state(url), gate_of(url));
    return held;
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
    std::optional<gates::OriginalLink> original;
    if (hooks.original == Hooks::Original::linked) {
        auto link = pipeline::jobs::original_link(
            upload, proven.store, clock_.now(),
            std::chrono::ceil<std::chrono::seconds>(hooks.timeout) + kLinkBeyondCall);
        if (!link) return fail(std::move(link.error()));
        original = {std::move(link->url), link->expires_at};
    }
    const auto question =
        gates::publish_question(upload, {image.format, image.width, image.height, image.size, image.sha256},
                                original, links_of(upload), clock_.now());
    auto verdict = caller_.ask(
        {gates::Hook::before_publish, url, hooks.timeout, proven.app.name, proven.app.callback_secrets},
        question);
    if (!verdict && open) return pass();
    if (!verdict) return fail(std::move(verdict.error()));
    if (verdict->allows()) return std::optional<HookRefusal>{};
    return std::optional{HookRefusal{std::move(verdict->code), std::move(verdict->reason)}};
}

}  // namespace photogate::gateway::system
