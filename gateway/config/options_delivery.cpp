#include <array>

#include "gateway/config/defaults.hpp"
#include "gateway/config/options.hpp"
#include "gateway/config/setters.hpp"

namespace photogate::gateway::config {
namespace {

using namespace std::chrono_literals;
using S = const Scope&;
using G = const RawValue&;

constexpr std::array kUnknownParameters = {
    Choice<UnknownParameters>{"ignored", UnknownParameters::ignored},
    Choice<UnknownParameters>{"redirected", UnknownParameters::redirected},
    Choice<UnknownParameters>{"refused", UnknownParameters::refused}};

Table delivery_table() {
    return {
        .pattern = "delivery",
        .prefix = "delivery",
        .help = "Published images at `/i/`.",
        .options = {
            {"unknown_parameters", Kind::choice,
             choice_text(kUnknownParameters, standard().delivery.unknown_parameters),
             "Query parameters that are not photogate's (`utm_source`, `fbclid`): ignored, redirected "
             "(to the "
             "URL without them), refused.",
             [](S s, G g) {
                 return put_choice(g, kUnknownParameters, s.config.delivery.unknown_parameters);
             }},
            {"max_versions_making", Kind::integer, std::to_string(standard().delivery.versions_making),
             "Versions of images that are made at once; more are refused (503).",
             [](S s, G g) {
                 return put(read_integer(g, {1, 10'000}), s.config.delivery.versions_making);
             }},
            {"max_versions_making_per_app", Kind::integer,
             std::to_string(standard().delivery.versions_making_per_app), "Of them, those of one app (429).",
             [](S s, G g) {
                 return put(read_integer(g, {1, 10'000}), s.config.delivery.versions_making_per_app);
             }},
            {"version_timeout", Kind::duration, duration_text(standard().delivery.version_wait),
             "How long a request waits for a version that is being made, before it is answered 503.",
             [](S s, G g) {
                 return put(read_duration(g, {100ms, 1min}), s.config.delivery.version_wait);
             }},
        }};
}

}  // namespace

std::vector<Table> delivery_tables() {
    return {delivery_table()};
}

}  // namespace photogate::gateway::config
