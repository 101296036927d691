#include "gateway/config/validate.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/ascii.hpp"
#include "gateway/config/callback_url.hpp"
#include "gateway/config/given.hpp"
#include "gateway/config/variant_rules.hpp"
#include "imaging/processing_cost.hpp"

namespace photogate::gateway::config {
namespace {

/// `also`: the variable that sets it too.
void require(Report& report, const std::string& key, std::string_view also) {
    if (!report.given(key)) report.mistake(key, fmt::format("is required, here or as {}", also));
}

void check_delivery(const Delivery& delivery, Report& report) {
    if (delivery.disk_cache > 0 && delivery.disk_cache_path.empty())
        report.mistake("delivery.disk_cache", "needs delivery.disk_cache_path, a folder");
}

void check_database(Config& config, Report& report) {
    if (!report.given("database.folder")) {
        require(report, "database.url", "PHOTOGATE_DATABASE_URL");
    } else if (report.given("database.url")) {
        // The url of a flag or a variable is over the folder of a file, as values are over each other.
        report.warning("database.folder", "has no effect beside database.url");
        config.postgres_folder.clear();
    } else if (config.postgres_folder.empty()) {
        report.mistake("database.folder", "is empty");
    }
    if (config.worker.poll > config.worker.lease)
        report.mistake("worker.poll", "is longer than worker.lease");
    if (config.worker.lease <= config.imaging.wall_clock) {
        report.mistake(
            "worker.lease",
            "must be longer than imaging.wall_clock, or uploads are taken from workers that are at them");
    }
}

bool is_address(const std::string& host) {
    return host.starts_with('[') || host.find_first_not_of("0123456789.") == std::string::npos;
}

ByteSize largest_upload(const model::Apps& apps) {
    ByteSize largest = 0;
    for (const auto& [name, app] : apps)
        for (const auto& [profile_name, profile] : app.profiles)
            largest = std::max(largest, profile.limits.max_bytes);
    return largest;
}

/// The region that has no endpoint of its own is the built-in store's, made where there is none.
void settle_builtin_store(Config& config, Report& report) {
    auto& store = config.store;
    if (store.folder.empty()) {
        for (const auto* key : {"listen", "public_url", "domains", "max_object_size", "encrypted_disk"}) {
            if (report.given(fmt::format("store.{}", key)))
                report.warning(fmt::format("store.{}", key), "has no effect without store.folder");
        }
        return;
    }
    if (store.listen.port == 0) report.mistake("store.listen", "needs a port: URLs are signed for it");
    store.internal = store.listen.own_endpoint();
    if (!report.given("store.public_url")) {
        store.external = store.internal;
        if (store.listen.is_anywhere())
            report.mistake("store.public_url", "is required where store.listen is every address");
    }
    if (!report.given("store.domains") && !is_address(store.external.host))
        store.domains = {store.external.host};
    for (const auto& [name, region] : config.regions) {
        if (report.given(fmt::format("regions.{}.endpoint", name))) continue;
        if (!store.region.empty())
            report.mistake(fmt::format("regions.{}.endpoint", name),
                           "is required: the built-in store is another region");
        store.region = name;
    }
    if (store.region.empty()) {
        store.region = config.regions.contains("default") ? "built-in" : "default";
        config.regions[store.region].name = store.region;
    }
    auto& region = config.regions[store.region];
    region.internal = store.internal;
    region.external = store.external;
    // No profile publishes more, so nobody can fill the disk with more.
    const ByteSize largest = largest_upload(config.apps);
    if (!report.given("store.max_object_size")) store.max_object_size = largest;
    if (store.max_object_size < largest)
        report.warning("store.max_object_size", "is less than the max_size of a profile");
}

void check_region_keys(const model::StoreRegion& region, const std::string& table, UnsafeStore unsafe,
                       Report& report) {
    for (const auto* key :
         {"signer_access_key", "signer_secret_key", "worker_access_key", "worker_secret_key"}) {
        require(report, fmt::format("{}.{}", table, key), "PHOTOGATE_S3_" + ascii::to_upper(key));
    }
    const auto& id = region.signer.access_key_id;
    if (id.empty() || id != region.worker.access_key_id) return;
    const auto key = table + ".signer_access_key";
    if (unsafe == UnsafeStore::reject) {
        report.mistake(
            key,
            "is the worker's too: a leaked URL could then do what the worker may (unsafe = true allows it)");
    } else {
        report.warning(key, "is the worker's too, which unsafe allows");
    }
}

/// The built-in store's keys may be left to itself, both of a pair.
void check_builtin_keys(const std::string& table, Report& report) {
    for (const std::string who : {"signer", "worker"}) {
        const auto id = fmt::format("{}.{}_access_key", table, who);
        const auto secret = fmt::format("{}.{}_secret_key", table, who);
        if (report.given(id) && !report.given(secret))
            report.mistake(secret, "is required beside the access key");
        if (report.given(secret) && !report.given(id))
            report.mistake(id, "is required beside the secret key");
    }
}

void check_regions(Config& config, Report& report) {
    settle_builtin_store(config, report);
    if (config.regions.empty())
        report.mistake(
            "regions",
            "are missing: configure [regions.NAME], set PHOTOGATE_S3_ENDPOINT, or give the built-in store a "
            "folder (store.folder)");
    std::map<std::string, std::string> bucket_keys;  // by endpoint and bucket
    for (auto& [name, region] : config.regions) {
        const auto table = "regions." + name;
        if (name == config.store.region) {
            if (report.given(table + ".public_endpoint"))
                report.mistake(table + ".public_endpoint", "is store.public_url for the built-in store");
            check_builtin_keys(table, report);
        } else {
            require(report, table + ".endpoint", "PHOTOGATE_S3_ENDPOINT");
            if (!report.given(table + ".public_endpoint")) region.external = region.internal;
            check_region_keys(region, table, config.unsafe, report);
        }
        const std::pair<const char*, const Bucket*> buckets[] = {{"incoming_bucket", &region.incoming},
                                                                 {"public_bucket", &region.published},
                                                                 {"originals_bucket", &region.originals}};
        for (const auto& [option, bucket] : buckets) {
            const auto key = fmt::format("{}.{}", table, option);
            const auto [first, fresh] =
                bucket_keys.emplace(region.internal.origin() + "/" + bucket->str(), key);
            if (!fresh)
                report.mistake(key,
                               fmt::format("is '{}', which is {} already", bucket->str(), first->second));
        }
        if (is_loopback(region.external) && listens_beyond_loopback(config.server)) {
            report.warning(table + ".public_endpoint",
                           fmt::format("is {}, but the server listens elsewhere: other machines can't upload",
                                       region.external.origin()));
        }
    }
    if (config.regions.contains("default")) config.default_region = "default";
    if (config.regions.size() == 1) config.default_region = config.regions.begin()->first;
    check_placement(config, report);
}

/// A ceiling that was set by hand and that no picture of a format reaches, because the worker processes have
/// neither the memory nor the time.
void check_ceiling(const imaging::PoolOptions& pool, const model::Profile& profile, const std::string& table,
                   Report& report) {
    const std::string key = table + ".max_pixels";
    if (!report.given(key) && !report.given("imaging.address_space") && !report.given("imaging.wall_clock"))
        return;
    const std::uint64_t side = profile.limits.max_side;
    const std::uint64_t asked = std::min(profile.limits.max_pixels, side * side);
    std::string short_of_it;
    for (const imaging::Format format : profile.formats) {
        const std::uint64_t reachable = imaging::reachable_pixels(
            format, imaging::usable_memory(pool.address_space), imaging::usable_time(pool.wall_clock));
        if (reachable >= asked) continue;
        short_of_it +=
            fmt::format("{}{} {}", short_of_it.empty() ? "" : ", ", imaging::to_string(format), reachable);
    }
    if (short_of_it.empty()) return;
    report.warning(
        key, fmt::format("is {}, which imaging.address_space ({}) and imaging.wall_clock ({}) don't "
                         "reach for every format; at most: {}",
                         asked, size_text(pool.address_space), duration_text(pool.wall_clock), short_of_it));
}

/// The operator's own URLs are held to what an upload's would be, but for the list of hosts.
void check_callback_url(const model::App& app, const notifier::callbacks::CallbackUrlPolicy& policy,
                        const std::string& table, Report& report) {
    const auto key = table + ".callback_url";
    if (const auto checked = check_own_callback_url(*app.callback_url, policy); !checked) {
        report.mistake(key, "is not valid: " + checked.error().detail);
    }
    if (!report.given(table + ".callback_secrets")) {
        report.mistake(key, "needs callback_secrets: callbacks are always signed");
    }
}

void check_operator(const model::App& app, const std::string& table, Report& report) {
    if (!app.profiles.empty()) report.mistake(table + ".profiles", "belong to apps: an operator has none");
    if (app.callback_url) report.mistake(table + ".callback_url", "belongs to apps: an operator has none");
}

/// Receivers would get `/i/…` and have to know the host.
void check_links(const Config& config, Report& report) {
    if (config.server.public_url) return;
    const bool sent = !config.callbacks.policy.allowed_hosts.empty() ||
                      std::any_of(config.apps.begin(), config.apps.end(),
                                  [](const auto& app) { return app.second.callback_url.has_value(); });
    if (!sent) return;
    report.warning(
        "server.public_url",
        "is not set, so callbacks contain image URLs without scheme and host, as /i/…; set it to how "
        "clients reach this gateway, such as https://photos.example.com");
}

void check_default_profile(const model::App& app, const std::string& table, Report& report) {
    const auto key = table + ".default_profile";
    if (app.default_profile && !app.profiles.contains(*app.default_profile))
        report.mistake(key,
                       fmt::format("is '{}', which is no profile of this app", app.default_profile->str()));
    if (!app.default_profile && app.profiles.size() > 1 &&
        !app.profiles.contains(ProfileName::trusted("default")))
        report.warning(key,
                       "is not set and there are several profiles: an upload that names none is refused");
}

void check_apps(Config& config, Report& report) {
    for (const auto& [name, entry] : config.access) {
        const auto table = "apps." + name.str();
        const auto& app = config.apps.at(name);
        if (entry.keys.empty()) {
            report.mistake(table + ".keys",
                           "names no key, so no client could call (`photogate key new --app " + name.str() +
                               "` makes one)");
        }
        for (const auto& hash : entry.keys) {
            if (hash == signer::Sha256{}) {
                report.warning(
                    table + ".keys",
                    "has the sample's placeholder, which no key matches (`photogate key new --app " +
                        name.str() + "` prints a key and its line)");
                continue;
            }
            if (config.keys.add(hash, {name, entry.role}) == access::KeyRing::Added::already_there) {
                report.mistake(table + ".keys", "has a key that stands elsewhere too");
            }
        }
        if (entry.role == access::Role::operator_role) {
            check_operator(app, table, report);
            config.apps.erase(name);
            continue;
        }
        if (app.profiles.empty()) {
            report.mistake(table, fmt::format("has no profile: configure [{}.profiles.NAME]", table));
        }
        check_default_profile(app, table, report);
        if (app.callback_url) check_callback_url(app, config.callbacks.policy, table, report);
        for (const auto& [profile_name, profile] : app.profiles) {
            const auto its_table = fmt::format("{}.profiles.{}", table, profile_name.str());
            check_profile(profile, its_table, report);
            check_ceiling(config.imaging, profile, its_table, report);
        }
    }
    if (config.apps.empty())
        report.mistake("apps", "are missing: configure [apps.NAME], or set PHOTOGATE_APP_KEYS");
}

}  // namespace

void check_profile(const model::Profile& profile, const std::string& table, Report& report) {
    if (profile.formats.empty()) report.mistake(table + ".formats", "names no format");
    if (profile.methods.empty()) report.mistake(table + ".methods", "names no method");
    if (profile.default_expiry > profile.longest_expiry) {
        report.mistake(table + ".default_expiry", fmt::format("is {}, longer than longest_expiry ({})",
                                                              duration_text(profile.default_expiry),
                                                              duration_text(profile.longest_expiry)));
    }
    if (profile.limits.max_total_pixels < profile.limits.max_pixels) {
        report.mistake(table + ".max_total_pixels", "is less than max_pixels");
    }
    check_variants(profile, table, report);
}

void complete_and_validate(Config& config, Report& report) {
    check_server(config.server, report);
    check_database(config, report);
    check_regions(config, report);
    check_events(config, report);
    check_apps(config, report);
    check_links(config, report);
    check_delivery(config.delivery, report);
    check_gates(config, report);
    check_purges(config, report);
    // An attempt, the connection before it, and ten seconds in a queue before that.
    config.callbacks.sender.lease =
        std::chrono::ceil<std::chrono::seconds>(config.callbacks.sender.timeout) + std::chrono::seconds{13};
    if (config.callbacks.sender.per_url > config.callbacks.sender.senders) {
        report.mistake("callbacks.per_url", "is more than callbacks.senders");
    }
    auto& breaker = config.database.breaker;
    breaker.share = static_cast<std::uint32_t>(config.callbacks.sender.per_url);
    if (breaker.first > breaker.longest)
        report.mistake("callbacks.breaker_first", "is more than callbacks.breaker_longest");
    if (!config.callbacks.allowed_networks.empty()) {
        report.warning("callbacks.allowed_networks", "opens private networks to callbacks");
    }
    if (config.unsafe == UnsafeStore::allow)
        report.warning("unsafe", "is set: the start-up proof warns where it would refuse");
}

}  // namespace photogate::gateway::config
