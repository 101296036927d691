#include <array>

#include "gateway/config/app_entries.hpp"
#include "gateway/config/defaults.hpp"
#include "gateway/config/options.hpp"
#include "gateway/config/setters.hpp"

namespace photogate::gateway::config {
namespace {

using namespace std::chrono_literals;
using S = const Scope&;
using G = const RawValue&;
using model::Hooks;

constexpr std::array kOnFailure = {Choice<Hooks::OnFailure>{"closed", Hooks::OnFailure::closed},
                                   Choice<Hooks::OnFailure>{"open", Hooks::OnFailure::open}};
constexpr std::array kScanners = {Choice<Scanner::Kind>{"none", Scanner::Kind::none},
                                  Choice<Scanner::Kind>{"clamd", Scanner::Kind::clamd},
                                  Choice<Scanner::Kind>{"icap", Scanner::Kind::icap}};
constexpr std::array kOnLimit = {Choice<Scanner::OnLimit>{"reject", Scanner::OnLimit::reject},
                                 Choice<Scanner::OnLimit>{"publish", Scanner::OnLimit::publish}};

const Hooks& standard_hooks() {
    static const Hooks hooks;
    return hooks;
}

/// The profile's, or its app's.
Hooks& hooks_of(const Scope& scope) {
    return scope.names.size() > 1 ? scope.profile().hooks
                                  : scope.config.hooks[AppName::trusted(scope.names.at(0))];
}

ValidationError put_original(const RawValue& given, Hooks::Original& to) {
    bool linked = false;
    auto wrong = put(read_boolean(given), linked);
    if (!wrong) to = linked ? Hooks::Original::linked : Hooks::Original::withheld;
    return wrong;
}

std::vector<Option> hook_options() {
    return {
        {"before_grant", Kind::text, "",
         "The URL that is asked before an upload is granted; its answer is a verdict (docs/gates.md).",
         [](S s, G g) { return put(read_text(g), hooks_of(s).before_grant); }, Secrecy::open,
         "nobody is asked"},
        {"before_publish", Kind::text, "",
         "The URL that is asked before a picture is published, once it is proven and its facts are known.",
         [](S s, G g) { return put(read_text(g), hooks_of(s).before_publish); }, Secrecy::open,
         "nobody is asked"},
        {"include_original_url", Kind::boolean, "false",
         "Whether before_publish is given a link to the original, a presigned GET that is good for timeout "
         "and 30 "
         "seconds.",
         [](S s, G g) { return put_original(g, hooks_of(s).original); }},
        {"timeout", Kind::duration, duration_text(standard_hooks().timeout),
         "Maximum time of one call, from the connection to the end of the answer.",
         [](S s, G g) {
             return put(read_duration(g, {100ms, 30s}), hooks_of(s).timeout);
         }},
        {"on_failure", Kind::choice, choice_text(kOnFailure, standard_hooks().on_failure),
         "Without a verdict: closed (an upload is refused with 503, a picture waits until the hook answers), "
         "open (as if "
         "it had been allowed).",
         [](S s, G g) { return put_choice(g, kOnFailure, hooks_of(s).on_failure); }},
    };
}

Table app_hooks_table() {
    return {.pattern = "apps.*.hooks",
            .prefix = std::nullopt,
            .help =
                "Who is asked before an upload of the app is granted, and before a picture is published. "
                "Calls are "
                "signed with the app's `callback_secrets`, and go where callbacks may go.",
            .options = hook_options(),
            .make = [](Config& config, const std::vector<std::string>& names) {
                make_app(config, names);
                config.hooks[AppName::trusted(names.at(0))];
            }};
}

Table profile_hooks_table() {
    return {
        .pattern = "apps.*.profiles.*.hooks",
        .prefix = std::nullopt,
        .help = "The same for one profile, in place of all of `[apps.NAME.hooks]`.",
        .options = hook_options(),
        .make = [](Config& config, const std::vector<std::string>& names) { make_profile(config, names); }};
}

Table scanner_table() {
    return {
        .pattern = "scanner",
        .prefix = "scanner",
        .help =
            "Malware in uploaded files: every file is scanned before anything decodes it. While the scanner "
            "is away "
            "it waits.",
        .options =
            {
                {"kind", Kind::choice, choice_text(kScanners, standard().scanner.kind),
                 "none, clamd, or icap (RFC 3507).",
                 [](S s, G g) { return put_choice(g, kScanners, s.config.scanner.kind); }},
                {"address", Kind::text, "",
                 "Where it listens. clamd: the path of its socket, as `/run/clamav/clamd.ctl`, or HOST:PORT; "
                 "icap: "
                 "`icap://HOST[:PORT]/SERVICE`.",
                 [](S s, G g) { return put(read_text(g), s.config.scanner.address); }, Secrecy::open,
                 "required for clamd and icap"},
                {"timeout", Kind::duration, duration_text(standard().scanner.timeout),
                 "Maximum time for one file.",
                 [](S s, G g) {
                     return put(read_duration(g, {1s, 5min}), s.config.scanner.timeout);
                 }},
                {"max_stream", Kind::size, size_text(standard().scanner.max_stream),
                 "The longest file that the scanner takes (StreamMaxLength of clamd.conf). No profile's "
                 "max_size may be "
                 "more.",
                 [](S s, G g) {
                     return put(read_size(g, {1U << 10, 4ULL << 30}), s.config.scanner.max_stream);
                 }},
                {"on_limit", Kind::choice, choice_text(kOnLimit, standard().scanner.on_limit),
                 "What becomes of a file that the scanner can't take while it takes others, because of a "
                 "limit of its "
                 "own or after three tries: reject (`file_not_scannable`), publish (unscanned).",
                 [](S s, G g) { return put_choice(g, kOnLimit, s.config.scanner.on_limit); }},
            },
    };
}

}  // namespace

std::vector<Table> gate_tables() {
    return {app_hooks_table(), profile_hooks_table(), scanner_table()};
}

}  // namespace photogate::gateway::config
