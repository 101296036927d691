#include "gateway/cli/setup_configuration.hpp"

#include <array>
#include <cstdint>
#include <ostream>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "base/encoding.hpp"
#include "base/file.hpp"
#include "base/owned_folder.hpp"
#include "gateway/cli/program.hpp"

namespace photogate::gateway::cli {
namespace {

constexpr const char* kRegionTable = "regions.default";
constexpr std::string_view kBucketSuffix = "-incoming";

/// The one text of a literal, or of a list's first item.
std::string unquoted(std::string_view literal) {
    const auto begin = literal.find('"');
    const auto end = begin == std::string_view::npos ? begin : literal.find('"', begin + 1);
    return end == std::string_view::npos ? std::string{literal}
                                         : std::string{literal.substr(begin + 1, end - begin - 1)};
}

std::string value_of(const config::Loaded& loaded, const std::string& key) {
    for (const auto& setting : loaded.settings) {
        if ((setting.table.empty() ? setting.key : setting.table + "." + setting.key) != key) continue;
        if (setting.secret.empty()) return unquoted(setting.literal);
        const auto text = setting.secret.reveal();
        return std::string{text.substr(0, text.find_first_of(",\n"))};
    }
    return {};
}

template <std::size_t Bytes>
std::string random_hex(Random& random) {
    std::array<std::uint8_t, Bytes> bytes{};
    random.fill(std::as_writable_bytes(std::span{bytes}));
    return hex_lower(bytes);
}

void set_if_absent(config::Sources& sources, const std::string& flag, const std::string& value) {
    if (auto& given = sources.flags[flag]; given.empty()) given = {value};
}

/// `lines` behind the heading of a table of `text`. Errors: internal.
Result<> insert_into(std::string& text, const std::string& table, const std::string& lines) {
    const auto heading = fmt::format("[{}]\n", table);
    const auto at = text.find(heading);
    if (at == std::string::npos)
        return fail(ErrorCode::internal, fmt::format("the first configuration has no [{}]", table));
    text.insert(at + heading.size(), lines);
    return {};
}

Result<> replace_in(std::string& text, const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    if (at == std::string::npos)
        return fail(ErrorCode::internal, fmt::format("the first configuration has no '{}'", from));
    text.replace(at, from.size(), to);
    return {};
}

}  // namespace

tl::expected<SetupConfiguration, ExitCode> SetupConfiguration::open(const StoreKind& kind, Given given,
                                                                    const ProcessContext& context) {
    const auto ended = [&](const Error& error) {
        context.err << "photogate: " << error.detail << "\n";
        return tl::unexpected(exit_code_of(error.code));
    };
    SetupConfiguration made{kind, given.name};
    given.flags.store.clear();
    auto sources = sources_of(given.flags, context);
    made.sources_ = sources;
    if (!config::anything_configured(sources)) {
        if (made.name_.empty()) made.name_ = "photogate";
        auto first = sources;
        if (!given.endpoint.empty()) first.flags["--s3-endpoint"] = {given.endpoint};
        first.flags["--store-folder"] = {""};
        for (const auto& [flag, value] : given.standards)
            set_if_absent(first, flag, value);
        if (first.flags["--s3-endpoint"].empty()) {
            context.err << fmt::format("photogate: where the store is, nobody says: {}\n", kind.needs);
            return tl::unexpected(ExitCode::usage);
        }
        for (const auto* role : {"signer", "worker"})
            set_if_absent(first, fmt::format("--s3-{}-access-key", role),
                          fmt::format("{}-{}", made.name_, role));
        if (made.name_ != "photogate") {
            for (const auto* bucket : {"incoming", "public", "originals"})
                set_if_absent(first, fmt::format("--s3-{}-bucket", bucket),
                              fmt::format("{}-{}", made.name_, bucket));
        }
        auto plan = config::plan_first_configuration(first, context.random);
        if (!plan) return ended(plan.error());
        made.first_ = std::move(*plan);
        if (made.first_) {
            sources = std::move(first);
            sources.first_text = made.first_->text;
            // Those that the store makes are not known yet; these are written nowhere then.
            sources.environment["PHOTOGATE_S3_SIGNER_SECRET_KEY"] = random_hex<20>(context.random);
            sources.environment["PHOTOGATE_S3_WORKER_SECRET_KEY"] = random_hex<20>(context.random);
            if (kind.event_token == StoreKind::EventToken::made_here)
                made.event_token_ = Secret{random_hex<32>(context.random)};
        }
    }
    auto loaded = config::load(sources);
    if (!loaded) {
        for (const auto& mistake : loaded.error())
            context.err << mistake.text() << "\n";
        return tl::unexpected(ExitCode::bad_configuration);
    }
    made.loaded_ = std::move(*loaded);
    const auto configured = value_of(made.loaded_, fmt::format("{}.endpoint", kRegionTable));
    if (!given.endpoint.empty() && configured != given.endpoint) {
        context.err << fmt::format(
            "photogate: {}.endpoint of the configuration is '{}', and --endpoint is '{}'\n", kRegionTable,
            configured, given.endpoint);
        return tl::unexpected(ExitCode::bad_configuration);
    }
    return made;
}

std::string SetupConfiguration::value(const std::string& key) const {
    return value_of(loaded_, key);
}

Result<client::setup::Wanted> SetupConfiguration::wanted() const {
    const auto region = loaded_.config.regions.find("default");
    if (region == loaded_.config.regions.end())
        return fail(ErrorCode::invalid_configuration,
                    fmt::format("the configuration has no [{}]", kRegionTable));
    const auto& store = region->second;
    client::setup::Wanted wanted;
    wanted.endpoint = store.internal;
    wanted.style = store.style;
    wanted.region = store.signing_region;
    wanted.incoming = store.incoming;
    wanted.published = store.published;
    wanted.originals = store.originals;
    if (!name_.empty()) {
        wanted.name = name_;
    } else if (kind_.keys == StoreKind::Keys::made_by_the_store &&
               store.incoming.str().ends_with(kBucketSuffix)) {
        wanted.name = store.incoming.str().substr(0, store.incoming.str().size() - kBucketSuffix.size());
    }
    if (!is_first() || kind_.keys == StoreKind::Keys::made_here) {
        wanted.signer = {store.signer.access_key_id, store.signer.secret_access_key};
        wanted.worker = {store.worker.access_key_id, store.worker.secret_access_key};
    }
    wanted.origins = loaded_.config.server.cors_origins;
    wanted.event_token =
        is_first() ? event_token_ : Secret{value(fmt::format("events.{}.tokens", kind_.name))};
    return wanted;
}

Result<> SetupConfiguration::write(const client::setup::Facts& facts) {
    auto& text = first_->text;
    const std::pair<const char*, const client::setup::Key&> keys[] = {{"signer", facts.signer},
                                                                      {"worker", facts.worker}};
    std::string files;
    for (const auto& [role, key] : keys) {
        files += fmt::format("{0}_secret_key_file = \"{0}_secret\"\n", role);
        const auto planned = value(fmt::format("{}.{}_access_key", kRegionTable, role));
        const auto done = replace_in(text, fmt::format("{}_access_key = \"{}\"", role, planned),
                                     fmt::format("{}_access_key = \"{}\"", role, key.access_key));
        if (!done) return done;
    }
    if (const auto done = insert_into(text, kRegionTable, files); !done) return done;
    std::string profile;
    for (const auto& line : facts.profile_lines)
        profile += line + "\n";
    const auto table = fmt::format("apps.{}.profiles.photos", config::kFirstApp);
    if (const auto done = insert_into(text, table, profile); !done) return done;
    text += fmt::format("\n[events.{}]\n", facts.source);
    for (const auto& line : facts.source_lines)
        text += line + "\n";

    const auto folder = first_->file.parent_path();
    if (const auto made = OwnedFolder::open(folder, {OwnedFolder::Missing::made, 0755, std::nullopt}); !made)
        return fail(made.error());
    auto secrets = facts.files;
    secrets["signer_secret"] = facts.signer.secret_key;
    secrets["worker_secret"] = facts.worker.secret_key;
    for (const auto& [name, secret] : secrets) {
        if (auto written = write_private_file(folder / name, std::string{secret.reveal()} + "\n"); !written)
            return written;
    }
    return config::write(*first_);
}

}  // namespace photogate::gateway::cli
