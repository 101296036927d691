#include "storage/objects/remedies.hpp"

#include <fmt/format.h>

namespace photogate::storage::objects {

std::string Remedies::call(const std::string& command) const {
    return arguments.empty() ? fmt::format("{} {}", program, command)
                             : fmt::format("{} {} {}", program, command, arguments);
}

/// A policy made or replaced, and the user with its secret as configured.
std::string Remedies::user(const std::string& role, const std::string& key) const {
    return fmt::format(
        "{0} | mc admin policy create STORE photogate-{1} /dev/stdin && "
        "mc admin user add STORE {2} \"$({3})\" && "
        "mc admin policy attach STORE photogate-{1} --user {2}",
        call(fmt::format("policy {} --region {}", role, region)), role, key,
        call(fmt::format("config get regions.{}.{}_secret_key", region, role)));
}

std::string Remedies::signer() const {
    // A user that is removed loses whatever else it was allowed.
    return fmt::format("mc admin user remove STORE {} 2>/dev/null; {}", signer_key,
                       user("signer", signer_key));
}

std::string Remedies::worker(const Bucket& incoming, const Bucket& published, const Bucket& originals) const {
    return fmt::format("mc mb --ignore-existing STORE/{} STORE/{} STORE/{} && {}", incoming.str(),
                       published.str(), originals.str(), user("worker", worker_key));
}

std::string Remedies::events(const Bucket& incoming, const std::string& prefix) const {
    if (event_source.empty())
        return fmt::format(
            "openssl rand -hex 32 > event_tokens   # then in photogate.toml: [events.minio] with tokens_file "
            "= \"event_tokens\" and region = \"{}\"; restart photogate and run doctor again",
            region);
    const auto token = call(fmt::format("config get events.{}.tokens", event_source));
    std::string text;
    for (const char* target : {"direct", "queued"}) {
        text +=
            fmt::format("mc admin config set STORE notify_webhook:{} endpoint={} auth_token=\"$({})\"{} && ",
                        target, event_endpoint, token,
                        std::string_view{target} == "queued" ? " queue_dir=/var/lib/minio/events" : "");
    }
    text += "mc admin service restart --json STORE && mc ready STORE";
    for (const char* target : {"direct", "queued"}) {
        text += fmt::format(
            " && mc event add --ignore-existing STORE/{} arn:minio:sqs::{}:webhook --event put --prefix {}",
            incoming.str(), target, prefix);
    }
    return text + "   # MINIO_NOTIFY_WEBHOOK_* in MinIO's environment override these targets";
}

}  // namespace photogate::storage::objects
