#include <chrono>

#include "gateway/config/defaults.hpp"
#include "gateway/config/options.hpp"
#include "gateway/config/rows.hpp"

namespace photogate::gateway::config {
namespace {

using namespace std::chrono_literals;

Table packages_table() {
    const Rows<Packages> packages{standard().packages,
                                  [](const Scope& scope) -> Packages& { return scope.config.packages; }};
    return {
        .pattern = "packages",
        .prefix = "packages",
        .help = "Packages of pictures at `/p/`.",
        .options = {
            packages.integer("max_items", &Packages::most_items, {1, 1'000'000},
                             "Pictures in one package; more are refused (422)."),
            packages.size("max_size", &Packages::most_bytes, {1 << 20, 1LL << 50},
                          "Bytes of one package; more are refused (422)."),
            packages.duration(
                "default_expiry", &Packages::default_life, {1s, 24h * 366},
                "The life of a package whose app asks for none; `max_expiry` where that is shorter."),
            packages.duration("max_expiry", &Packages::longest_life, {1s, 24h * 366},
                              "The longest life that an app may ask for, of a package and of its links."),
            packages.integer("max_preparing", &Packages::most_preparing, {1, 100'000},
                             "Packages of one app whose versions are being made; more are refused (429)."),
            packages.size("max_body", &Packages::max_body, {1 << 10, 64 << 20},
                          "The body of a request that makes a package, in place of `server.max_body`: a list "
                          "of 50,000 ids takes 1.6 MiB, and 7 MiB with names of 100 bytes; longer ones are "
                          "refused (413)."),
            packages.size("buffers", &Packages::buffers, {1 << 20, 1LL << 40},
                          "Memory of packages on their way to readers, about 0.5 MiB each; more are "
                          "refused (503)."),
            packages.integer("max_downloads_per_package", &Packages::downloads_of_package, {1, 100'000},
                             "Connections that download one package at once from one gateway; more are "
                             "refused (429)."),
            {.key = "store_links",
             .kind = Kind::boolean,
             .fallback = standard().packages.store_links ? "true" : "false",
             .help = "Whether apps get a presigned link of the store to each stored package, beside the "
                     "gateway's: what is downloaded by it passes no gateway, and it works until the zip is "
                     "removed.",
             .set =
                 [](const Scope& scope, const RawValue& given) {
                     return put(read_boolean(given), scope.config.packages.store_links);
                 }},
        }};
}

}  // namespace

std::vector<Table> package_tables() {
    return {packages_table()};
}

}  // namespace photogate::gateway::config
