#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/shell_quote.hpp"
#include "pipeline/grant.hpp"
#include "pipeline/parts.hpp"

namespace photogate::pipeline {
namespace {

using signer::PolicyCondition;

/// For curl's -F: in double quotes, so that `;` and `,` do not begin another file or a parameter.
std::string form_quote(std::string_view text) {
    std::string out = "\"";
    for (char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out += '"';
}

/// A name that curl does not read as an option or as standard input.
std::string local_file(const model::Upload& upload) {
    auto name = upload.filename.value_or("photo.jpg");
    if (name.starts_with('-')) name.insert(0, "./");
    return name;
}

signer::ObjectAddress address(const model::Upload& upload, const Store& store) {
    return {store.region.external, store.region.style, upload.bucket, upload.key};
}

Result<Grant> sign_put(const model::Upload& upload, const model::Profile& profile, const Store& store,
                       Timestamp at) {
    signer::PresignRequest request;
    request.method = "PUT";
    request.address = address(upload, store);
    request.expires = std::chrono::duration_cast<std::chrono::seconds>(
        upload.expires_at - std::chrono::floor<std::chrono::seconds>(at));
    request.at = at + store.clock->ahead();
    // While an object is there a leaked URL can not overwrite it.
    if (profile.write_once == model::Profile::WriteOnce::on)
        request.headers.push_back({"If-None-Match", "*"});
    if (upload.declared_type) request.headers.push_back({"Content-Type", *upload.declared_type});
    if (upload.declared_sha256) request.headers.push_back({"x-amz-checksum-sha256", *upload.declared_sha256});
    if (upload.declared_size)
        request.headers.push_back({"Content-Length", std::to_string(*upload.declared_size)});
    auto signed_url = store.signer.presign(request);
    if (!signed_url) return fail(std::move(signed_url.error()));

    Grant grant;
    grant.method = "PUT";
    grant.url = std::move(signed_url->url);
    grant.expires_at = signed_url->expires_at;
    grant.curl = fmt::format("curl -fsSg -T {}", shell_quote(local_file(upload)));
    for (auto& header : request.headers) {
        // Every HTTP client sets Content-Length itself, and browsers refuse to have it set.
        if (header.name == "Content-Length") continue;
        grant.curl += fmt::format(" -H {}", shell_quote(header.name + ": " + header.value));
        grant.headers.push_back(std::move(header));
    }
    grant.curl += ' ' + shell_quote(grant.url);
    return grant;
}

Result<Grant> sign_post(const model::Upload& upload, const model::Profile& profile, const Store& store,
                        Timestamp at) {
    signer::PostPolicyRequest request;
    request.address = address(upload, store);
    request.expires = std::chrono::duration_cast<std::chrono::seconds>(
        upload.expires_at - std::chrono::floor<std::chrono::seconds>(at));
    request.at = at + store.clock->ahead();
    const ByteSize least = upload.declared_size.value_or(1);
    const ByteSize most = upload.declared_size.value_or(profile.limits.max_bytes);
    request.conditions.push_back({PolicyCondition::Kind::content_length_range, "", "", least, most});
    for (const auto& field : upload.client_fields) {
        request.conditions.push_back({PolicyCondition::Kind::starts_with, "x-amz-meta-" + field, "", 0, 0});
    }
    if (profile.form_redirect) {
        request.fields.push_back({"success_action_redirect", *profile.form_redirect});
    } else {
        request.fields.push_back({"success_action_status", "201"});
    }
    if (upload.declared_type) request.fields.push_back({"Content-Type", *upload.declared_type});
    if (upload.declared_sha256) {
        request.fields.push_back({"x-amz-checksum-algorithm", "SHA256"});
        request.fields.push_back({"x-amz-checksum-sha256", *upload.declared_sha256});
    }
    auto form = store.signer.sign_post_policy(request);
    if (!form) return fail(std::move(form.error()));

    Grant grant;
    grant.method = "POST";
    grant.url = std::move(form->url);
    grant.fields = std::move(form->fields);
    grant.expires_at = form->expires_at;
    for (const auto& field : upload.client_fields)
        grant.client_fields.push_back("x-amz-meta-" + field);
    grant.curl = "curl -fsSg";  // -g: brackets and braces are part of a name
    for (const auto& field : grant.fields)
        grant.curl += fmt::format(" --form-string {}", shell_quote(field.name + "=" + field.value));
    grant.curl += fmt::format(" -F {} {}", shell_quote("file=@" + form_quote(local_file(upload))),
                              shell_quote(grant.url));
    return grant;
}

/// Nothing is signed: the store's multipart upload is begun later.
Grant grant_of_parts(const model::Upload& upload) {
    Grant grant;
    grant.method = "PUT";
    grant.expires_at = upload.expires_at;
    grant.parts = PartGrant{parts_of(upload), {}};
    return grant;
}

/// Where the end has been moved since, further than one URL may last, as late as is needed.
Timestamp signed_at(const model::Upload& upload, Timestamp at) {
    return std::max(at, Timestamp{upload.expires_at - signer::kLongestExpiry});
}

}  // namespace

Result<Grant> sign_grant(const model::Upload& upload, const model::Profile& profile, const Store& store,
                         Timestamp at) {
    switch (upload.method) {
        case model::GrantMethod::put:
            return sign_put(upload, profile, store, signed_at(upload, at));
        case model::GrantMethod::post:
            return sign_post(upload, profile, store, signed_at(upload, at));
        case model::GrantMethod::multipart:
            return grant_of_parts(upload);
    }
    return fail(ErrorCode::internal, "an upload without a method");
}

Timestamp resumable_until(const model::Upload& upload, std::optional<Timestamp> latest) {
    const Timestamp day = std::chrono::floor<std::chrono::seconds>(upload.created_at) + kResumableLife;
    const Timestamp until = std::max(upload.expires_at, day);
    return latest ? std::min(until, *latest) : until;
}

Result<std::vector<SignedPart>> sign_parts(const model::Upload& upload, const Store& store,
                                           const std::string& store_id, std::span<const WantedPart> parts,
                                           Timestamp at) {
    const auto plan = parts_of(upload);
    signer::PresignRequest request;
    request.method = "PUT";
    request.address = address(upload, store);
    request.expires = std::chrono::duration_cast<std::chrono::seconds>(
        upload.expires_at - std::chrono::floor<std::chrono::seconds>(at));
    request.at = at + store.clock->ahead();
    std::vector<SignedPart> all;
    all.reserve(parts.size());
    for (const auto& part : parts) {
        const auto size = plan.size_of(part.number);
        request.query = {{"partNumber", std::to_string(part.number)}, {"uploadId", store_id}};
        request.headers.clear();
        if (!plan.is_open()) request.headers.push_back({"Content-Length", std::to_string(size)});
        request.payload_sha256 = part.sha256;
        auto signed_url = store.signer.presign(request);
        if (!signed_url) return fail(std::move(signed_url.error()));
        all.push_back({part.number, size, std::move(signed_url->url)});
    }
    return all;
}

}  // namespace photogate::pipeline
