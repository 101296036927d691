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
            {"max_versions_per_image", Kind::integer, std::to_string(standard().delivery.versions_of_image),
             "Versions of one image beyond which none of other proportions, and none of a free size, is made "
             "(429); the profile's sizes are made nevertheless.",
             [](S s, G g) {
                 return put(read_integer(g, {1, 1'000'000}), s.config.delivery.versions_of_image);
             }},
            {"version_timeout", Kind::duration, duration_text(standard().delivery.version_wait),
             "How long a request waits for a version that is being made, before it is answered 503.",
             [](S s, G g) {
                 return put(read_duration(g, {100ms, 1min}), s.config.delivery.version_wait);
             }},
            {"keep_unused_versions", Kind::duration, duration_text(standard().delivery.keep_unused_versions),
             "How long a version that nobody asks for is kept, roughly; 0: for ever. Variants of the profile "
             "are "
             "always kept.",
             [](S s, G g) -> ValidationError {
                 auto kept = read_duration(g, {0ms, 24h * 3'650});
                 // Uses are recorded once an hour.
                 if (kept && *kept > 0ms && *kept < 24h)
                     return "is shorter than a day; 0 keeps them for ever";
                 return put_seconds(std::move(kept), s.config.delivery.keep_unused_versions);
             }},
            {"variants_budget", Kind::duration, duration_text(standard().delivery.variants_budget),
             "What making the variants of an image may take, as the imager estimates it, before the image is "
             "announced. Where they take longer they are announced later, by `variant.ready`.",
             [](S s, G g) {
                 return put(read_duration(g, {100ms, 1min}), s.config.delivery.variants_budget);
             }},
            {"memory_cache", Kind::size, size_text(standard().delivery.memory_cache),
             "Memory for images and versions that are asked for again and again, of 1 MiB or a sixteenth of "
             "it at "
             "most each; 0: none.",
             [](S s, G g) {
                 return put(read_size(g, {0, 1ULL << 40}), s.config.delivery.memory_cache);
             }},
            {"disk_cache", Kind::size, size_text(standard().delivery.disk_cache),
             "Disk for images and versions that are read from a distant store, of a sixteenth of it at most "
             "each; 0: none. "
             "It needs `disk_cache_path`.",
             [](S s, G g) {
                 return put(read_size(g, {0, 1ULL << 46}), s.config.delivery.disk_cache);
             }},
            {"disk_cache_path", Kind::folder, "",
             "The folder of the disk cache, for one process. What is in it may be removed at any time.",
             [](S s, G g) { return put(read_text(g), s.config.delivery.disk_cache_path); }},
        }};
}

}  // namespace

std::vector<Table> delivery_tables() {
    return {delivery_table()};
}

}  // namespace photogate::gateway::config
