#include "gateway/cli/setup_stores.hpp"

#include <sstream>
#include <stdexcept>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "base/child_process.hpp"
#include "client/setup/aws/aws_setup.hpp"
#include "client/setup/ceph/ceph_setup.hpp"
#include "client/setup/minio/minio_setup.hpp"
#include "client/setup/r2/r2_setup.hpp"

namespace photogate::gateway::cli {
namespace {

using client::setup::StoreSetup;
using client::setup::Wanted;
using Opened = Result<std::unique_ptr<StoreSetup>>;

std::string setup_variable(const ProcessContext& context, const std::string& name) {
    const auto found = context.environment.find(name);
    return found == context.environment.end() ? std::string{} : found->second;
}

/// The first that is set.
std::string first_variable(const ProcessContext& context, std::initializer_list<const char*> names) {
    for (const auto* name : names) {
        if (auto value = setup_variable(context, name); !value.empty()) return value;
    }
    return {};
}

Result<signer::Credentials> administrator_of(const ProcessContext& context) {
    signer::Credentials key{setup_variable(context, "AWS_ACCESS_KEY_ID"),
                            Secret{setup_variable(context, "AWS_SECRET_ACCESS_KEY")}, std::nullopt};
    if (key.access_key_id.empty() || key.secret_access_key.empty())
        return fail(
            ErrorCode::invalid_field,
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must hold the key of an administrator of the store");
    if (auto token = setup_variable(context, "AWS_SESSION_TOKEN"); !token.empty())
        key.session_token = Secret{token};
    return key;
}

SetupConfiguration::Given given_of(const SetupArguments& arguments) {
    return {arguments.configuration, arguments.endpoint, arguments.name, {}};
}

/// Where a store in the same network reaches the gateway.
std::string local_events_url(const SetupParts& parts, const SetupConfiguration& configuration,
                             const char* source) {
    if (!parts.arguments.events_url.empty()) return parts.arguments.events_url;
    auto listen = configuration.value("server.listen");
    for (const auto* everywhere : {"0.0.0.0:", "[::]:"}) {
        if (listen.starts_with(everywhere)) listen = "127.0.0.1" + listen.substr(listen.rfind(':'));
    }
    return fmt::format("http://{}/v1/events/{}", listen, source);
}

/// MinIO's `mc`, not Midnight Commander's.
Result<std::filesystem::path> find_tool(const SetupParts& parts) {
    std::vector<std::filesystem::path> candidates;
    if (!parts.arguments.tool.empty()) {
        candidates.push_back(std::filesystem::absolute(parts.arguments.tool));
    } else {
        std::istringstream folders{setup_variable(parts.context, "PATH")};
        for (std::string folder; std::getline(folders, folder, ':');) {
            if (folder.starts_with('/')) candidates.push_back(std::filesystem::path{folder} / "mc");
        }
    }
    for (const auto& candidate : candidates) {
        if (::access(candidate.c_str(), X_OK) != 0) continue;
        Command command;
        command.arguments = {candidate.string(), "--version"};
        command.environment = {"HOME=/nonexistent", "PATH=/usr/bin:/bin"};
        const auto version = run_command(command);
        if (version && version->output.find("MinIO") != std::string::npos) return candidate;
    }
    return fail(ErrorCode::file_error,
                parts.arguments.tool.empty()
                    ? "MinIO's program mc is not in PATH: install it, or name it with --mc"
                    : fmt::format("{} is not MinIO's program mc", parts.arguments.tool));
}

class MinioStore final : public SetupStore {
  public:
    const StoreKind& kind() const override {
        static constexpr StoreKind kKind{"minio", StoreKind::Keys::made_here,
                                         StoreKind::EventToken::made_here, "--endpoint"};
        return kKind;
    }
    Result<SetupConfiguration::Given> given(const SetupParts& parts) const override {
        if (auto key = administrator_of(parts.context); !key) return fail(key.error());
        if (auto tool = find_tool(parts); !tool) return fail(tool.error());
        return given_of(parts.arguments);
    }
    Opened open(const SetupParts& parts, const SetupConfiguration& configuration) const override {
        auto tool = find_tool(parts);
        if (!tool) return fail(tool.error());
        auto wanted = configuration.wanted();
        if (!wanted) return fail(wanted.error());
        wanted->administrator = *administrator_of(parts.context);
        if (!wanted->event_token.empty())
            wanted->events_url = local_events_url(parts, configuration, "minio");
        return client::setup::minio::open(std::move(*wanted), {std::move(*tool), parts.arguments.events_dir},
                                          parts.context.random);
    }
};

class CephStore final : public SetupStore {
  public:
    const StoreKind& kind() const override {
        static constexpr StoreKind kKind{"ceph", StoreKind::Keys::made_by_the_store,
                                         StoreKind::EventToken::made_here, "--endpoint"};
        return kKind;
    }
    Result<SetupConfiguration::Given> given(const SetupParts& parts) const override {
        if (auto key = administrator_of(parts.context); !key) return fail(key.error());
        return given_of(parts.arguments);
    }
    Opened open(const SetupParts& parts, const SetupConfiguration& configuration) const override {
        auto wanted = configuration.wanted();
        if (!wanted) return fail(wanted.error());
        wanted->administrator = *administrator_of(parts.context);
        if (!wanted->event_token.empty()) wanted->events_url = local_events_url(parts, configuration, "ceph");
        // RGW takes a password in a URL over TLS alone.
        auto proof = wanted->endpoint.scheme == "https" ? client::setup::ceph::Proof::basic
                                                        : client::setup::ceph::Proof::query;
        if (const auto configured = configuration.value("events.ceph.authentication");
            !configuration.is_first())
            proof =
                configured == "query" ? client::setup::ceph::Proof::query : client::setup::ceph::Proof::basic;
        return client::setup::ceph::open(std::move(*wanted), proof);
    }
};

class AwsStore final : public SetupStore {
  public:
    const StoreKind& kind() const override {
        static constexpr StoreKind kKind{"aws", StoreKind::Keys::made_by_the_store,
                                         StoreKind::EventToken::none, "--region or AWS_REGION"};
        return kKind;
    }
    Result<SetupConfiguration::Given> given(const SetupParts& parts) const override {
        if (auto key = administrator_of(parts.context); !key) return fail(key.error());
        auto given = given_of(parts.arguments);
        auto region = parts.arguments.region;
        if (region.empty()) region = first_variable(parts.context, {"AWS_REGION", "AWS_DEFAULT_REGION"});
        if (!region.empty()) given.standards["--s3-region"] = region;
        auto endpoint = given.endpoint;
        if (endpoint.empty())
            endpoint = first_variable(parts.context, {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"});
        if (endpoint.empty() && !region.empty())
            endpoint = fmt::format("https://s3.{}.amazonaws.com", region);
        if (!endpoint.empty()) given.standards["--s3-endpoint"] = endpoint;
        if (endpoint.ends_with(".amazonaws.com")) given.standards["--s3-style"] = "virtual-host";
        return given;
    }
    Opened open(const SetupParts& parts, const SetupConfiguration& configuration) const override {
        auto wanted = configuration.wanted();
        if (!wanted) return fail(wanted.error());
        wanted->administrator = *administrator_of(parts.context);
        wanted->events_url = parts.arguments.events_url;
        const auto url = configuration.value("server.public_url");
        if (wanted->events_url.empty() && url.starts_with("https://"))
            wanted->events_url = url + "/v1/events/aws";
        auto endpoints = client::setup::aws::standard_endpoints(wanted->region);
        for (auto& [service, endpoint] : endpoints) {
            auto variable = "AWS_ENDPOINT_URL_" + service;
            for (auto& c : variable)
                c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
            const auto elsewhere = first_variable(parts.context, {variable.c_str(), "AWS_ENDPOINT_URL"});
            if (elsewhere.empty()) continue;
            auto parsed = parse_endpoint(elsewhere);
            if (!parsed)
                return fail(ErrorCode::invalid_field, fmt::format("{}: {}", variable, parsed.error().detail));
            endpoint = std::move(*parsed);
        }
        return client::setup::aws::open(std::move(*wanted), endpoints);
    }
};

class R2Store final : public SetupStore {
  public:
    const StoreKind& kind() const override {
        static constexpr StoreKind kKind{"r2", StoreKind::Keys::made_by_the_store,
                                         StoreKind::EventToken::none, "--account or CLOUDFLARE_ACCOUNT_ID"};
        return kKind;
    }
    Result<SetupConfiguration::Given> given(const SetupParts& parts) const override {
        if (setup_variable(parts.context, "CLOUDFLARE_API_TOKEN").empty())
            return fail(ErrorCode::invalid_field,
                        "CLOUDFLARE_API_TOKEN must hold a token with the permissions Workers R2 Storage "
                        "Write, Queues "
                        "Write and Account API Tokens Write");
        auto given = given_of(parts.arguments);
        const auto account = account_of(parts);
        if (!account.empty())
            given.standards["--s3-endpoint"] = fmt::format("https://{}.r2.cloudflarestorage.com", account);
        given.standards["--s3-region"] = "auto";
        return given;
    }
    Opened open(const SetupParts& parts, const SetupConfiguration& configuration) const override {
        if (configuration.value("unsafe") != "true") {
            return fail(
                ErrorCode::unsafe_configuration,
                "R2 has no token that may put and not read, so photogate starts on it with `unsafe = true` "
                "alone: read docs/deploy/r2.md, then say --unsafe if you accept that");
        }
        auto wanted = configuration.wanted();
        if (!wanted) return fail(wanted.error());
        auto account = account_of(parts);
        if (account.empty()) account = wanted->endpoint.host.substr(0, wanted->endpoint.host.find('.'));
        auto base = setup_variable(parts.context, "CLOUDFLARE_BASE_URL");
        if (base.empty()) base = "https://api.cloudflare.com/client/v4";
        return client::setup::r2::open(
            std::move(*wanted),
            client::setup::r2::CloudflareApi{base, account,
                                             Secret{setup_variable(parts.context, "CLOUDFLARE_API_TOKEN")}});
    }

  private:
    static std::string account_of(const SetupParts& parts) {
        if (!parts.arguments.account.empty()) return parts.arguments.account;
        return setup_variable(parts.context, "CLOUDFLARE_ACCOUNT_ID");
    }
};

}  // namespace

const SetupStore& setup_store(const std::string& name) {
    static const MinioStore kMinio;
    static const AwsStore kAws;
    static const CephStore kCeph;
    static const R2Store kR2;
    for (const SetupStore* store :
         {static_cast<const SetupStore*>(&kMinio), static_cast<const SetupStore*>(&kAws),
          static_cast<const SetupStore*>(&kCeph), static_cast<const SetupStore*>(&kR2)}) {
        if (store->kind().name == name) return *store;
    }
    throw std::logic_error("no such store: " + name);
}

}  // namespace photogate::gateway::cli
