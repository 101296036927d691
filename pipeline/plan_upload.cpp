#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/ascii.hpp"
#include "base/encoding.hpp"
#include "base/field_errors.hpp"
#include "base/text.hpp"
#include "model/enum_words.hpp"
#include "model/object_layout.hpp"
#include "model/parts.hpp"
#include "pipeline/grant.hpp"

namespace photogate::pipeline {
namespace {

constexpr std::size_t kMostMetadata = 8 * 1024;  // bytes of names and values together
constexpr std::size_t kMostPairs = 64;
constexpr std::size_t kMostClientFields = 16;

/// Collects what is wrong, so that one answer names it all.
class Findings {
  public:
    void add(std::string pointer, ErrorCode code, std::string detail) {
        fields_.push_back({std::move(pointer), code, std::move(detail)});
    }
    bool any() const { return !fields_.empty(); }
    Error error() && { return field_errors(std::move(fields_)); }

  private:
    std::vector<FieldError> fields_;
};

bool token(std::string_view text) {
    return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
        return ascii::is_alphanumeric(c) || c == '_' || c == '-' || c == '.';
    });
}

void check_size(const GrantRequest& request, const model::Profile& profile, model::Upload& upload,
                Findings& findings) {
    if (!request.size) {
        using UnsizedPut = model::Profile::UnsizedPut;
        const bool by_token = request.token_expires_at.has_value();
        const bool accepted = profile.unsized_put == UnsizedPut::accepted ||
                              (profile.unsized_put == UnsizedPut::apps && !by_token);
        if (upload.method == model::GrantMethod::multipart && request.divided_by_client && accepted) {
            upload.part_size = model::kLeastPartSize;
        } else if (upload.method == model::GrantMethod::multipart) {
            findings.add("/size", ErrorCode::invalid_size,
                         "'size' is required for a file that is sent in parts: the bytes of the file");
        } else if (upload.method == model::GrantMethod::put && !accepted) {
            findings.add("/size", ErrorCode::invalid_size,
                         by_token ? "'size' is required for a PUT with a client token: the bytes of the file"
                                  : "'size' is required for a PUT in this profile: the bytes of the file");
        }
        return;
    }
    if (*request.size == 0) {
        findings.add("/size", ErrorCode::invalid_size, "'size' is at least 1 byte");
    } else if (*request.size > profile.limits.max_bytes) {
        findings.add("/size", ErrorCode::size_over_limit,
                     fmt::format("'size' is {} bytes, the profile's limit is {}", *request.size,
                                 profile.limits.max_bytes));
    }
    upload.declared_size = request.size;
    if (upload.method == model::GrantMethod::multipart)
        upload.part_size = model::part_size_for(*request.size);
}

void check_type(const GrantRequest& request, const model::Profile& profile, model::Upload& upload,
                Findings& findings) {
    if (!request.content_type || trim(*request.content_type).empty()) return;
    using Says = imaging::DeclaredType::Says;
    const auto declared = imaging::read_media_type(*request.content_type);
    const bool accepted =
        declared.says == Says::nothing ||
        (declared.says == Says::format && std::find(profile.formats.begin(), profile.formats.end(),
                                                    *declared.format) != profile.formats.end());
    // It is signed, and sent back by the client, as a header.
    const bool sendable = std::none_of(
        request.content_type->begin(), request.content_type->end(),
        [](char c) { return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7F; });
    if (!accepted || !sendable) {
        std::string types;
        for (auto f : profile.formats)
            types += (types.empty() ? "" : ", ") + std::string{imaging::media_type(f)};
        findings.add("/content_type", ErrorCode::content_type_not_allowed,
                     fmt::format("'content_type' is one of: {}", types));
    }
    upload.declared_type = std::string{trim(*request.content_type)};
}

void check_checksum(const GrantRequest& request, model::Upload& upload, Findings& findings) {
    if (request.dedupe && !request.sha256)
        findings.add("/checksum", ErrorCode::invalid_checksum,
                     "'dedupe' needs the file's SHA-256 in 'checksum'");
    if (!request.sha256) return;
    std::optional<Bytes> digest =
        request.sha256->size() == 64 ? from_hex(*request.sha256) : from_base64(*request.sha256);
    if (!digest || digest->size() != 32) {
        findings.add("/checksum/value", ErrorCode::invalid_checksum,
                     "a SHA-256 has 32 bytes, as base64 (44 characters) or hex (64)");
        return;
    }
    upload.declared_sha256 = base64(*digest);
}

void check_metadata(const GrantRequest& request, Findings& findings) {
    for (auto& mistake : metadata_mistakes(request.metadata))
        findings.add(std::move(mistake.pointer), mistake.code, std::move(mistake.detail));
}

/// The one that was asked for; without a wish, PUT where the profile offers it.
model::GrantMethod method_of(const GrantRequest& request, const model::Profile& profile) {
    using model::GrantMethod;
    if (request.method) return model::parse_word<GrantMethod>(*request.method).value_or(GrantMethod::put);
    const bool offers_put =
        std::find(profile.methods.begin(), profile.methods.end(), GrantMethod::put) != profile.methods.end();
    return offers_put || profile.methods.empty() ? GrantMethod::put : profile.methods.front();
}

void check_client_fields(const GrantRequest& request, model::Upload& upload, Findings& findings) {
    if (!request.client_fields.empty() && upload.method != model::GrantMethod::post) {
        findings.add("/client_fields", ErrorCode::invalid_metadata,
                     "'client_fields' needs \"method\": \"post\"");
    }
    if (request.client_fields.size() > kMostClientFields) {
        findings.add("/client_fields", ErrorCode::invalid_metadata,
                     fmt::format("at most {} client fields", kMostClientFields));
    }
    for (std::size_t i = 0; i < request.client_fields.size(); ++i) {
        auto lower = ascii::to_lower(request.client_fields[i]);
        if (!token(lower) || std::find(upload.client_fields.begin(), upload.client_fields.end(), lower) !=
                                 upload.client_fields.end()) {
            findings.add(fmt::format("/client_fields/{}", i), ErrorCode::invalid_metadata,
                         "a client field has 1 to 64 of a-z, 0-9, '_', '-' and '.', and stands once");
        }
        upload.client_fields.push_back(std::move(lower));
    }
}

void check_expiry(const GrantRequest& request, const model::Profile& profile, Timestamp now,
                  model::Upload& upload, Findings& findings) {
    std::chrono::seconds life = profile.default_expiry;
    if (request.expires_in) {
        if (*request.expires_in < 1 || *request.expires_in > profile.longest_expiry.count()) {
            findings.add("/expires_in", ErrorCode::invalid_expiry,
                         fmt::format("'expires_in' is 1 to {} seconds", profile.longest_expiry.count()));
        } else {
            life = std::chrono::seconds{*request.expires_in};
        }
    }
    // Whole seconds, as X-Amz-Date has them: what the row says is what the signature says.
    upload.expires_at = std::chrono::floor<std::chrono::seconds>(now) + life;
    if (request.token_expires_at) upload.expires_at = std::min(upload.expires_at, *request.token_expires_at);
}

void check_callback(const GrantRequest& request, const notifier::callbacks::CallbackUrlPolicy& policy,
                    model::Upload& upload, Findings& findings) {
    if (!request.callback_url) return;
    if (const auto checked = notifier::callbacks::check_callback_url(*request.callback_url, policy);
        !checked) {
        findings.add("/callback_url", checked.error().code, checked.error().detail);
    }
    upload.callback_url = request.callback_url;
}

}  // namespace

std::vector<FieldError> metadata_mistakes(const model::TextMap& metadata) {
    std::vector<FieldError> mistakes;
    std::size_t bytes = 0;
    for (const auto& [name, value] : metadata) {
        bytes += name.size() + value.size();
        if (!token(name)) {
            mistakes.push_back({member_pointer("/metadata", name), ErrorCode::invalid_metadata,
                                "a metadata name has 1 to 64 of a-z, A-Z, 0-9, '_', '-' and '.'"});
        }
    }
    if (metadata.size() > kMostPairs || bytes > kMostMetadata) {
        mistakes.push_back(
            {"/metadata", ErrorCode::invalid_metadata,
             fmt::format("'metadata' has at most {} pairs and {} bytes in all; here are {} and {}",
                         kMostPairs, kMostMetadata, metadata.size(), bytes)});
    }
    return mistakes;
}

Result<model::Upload> plan_upload(const GrantRequest& request, const model::App& app, const Stores& stores,
                                  const notifier::callbacks::CallbackUrlPolicy& callbacks, Timestamp now,
                                  Random& random) {
    const auto chosen = app.profile(request.profile);
    if (!chosen) {
        Findings findings;
        findings.add("/profile", chosen.error().code, chosen.error().detail);
        return fail(std::move(findings).error());
    }
    const model::Profile& profile = **chosen;

    Findings findings;
    model::Upload upload;
    upload.app = app.name;
    upload.profile = profile.name;
    if (request.method && !model::parse_word<model::GrantMethod>(*request.method)) {
        findings.add("/method", ErrorCode::method_not_offered,
                     "'method' is \"put\", \"post\" or \"multipart\"");
    } else {
        upload.method = method_of(request, profile);
        if (std::find(profile.methods.begin(), profile.methods.end(), upload.method) ==
            profile.methods.end()) {
            findings.add("/method", ErrorCode::method_not_offered, "this profile does not offer that method");
        }
    }
    if (request.filename) {
        upload.filename = clean_filename(*request.filename);
        if (!upload.filename)
            findings.add("/filename", ErrorCode::invalid_filename, "'filename' is text without NUL");
    }
    check_size(request, profile, upload, findings);
    check_type(request, profile, upload, findings);
    check_checksum(request, upload, findings);
    check_metadata(request, findings);
    check_client_fields(request, upload, findings);
    check_expiry(request, profile, now, upload, findings);
    check_callback(request, callbacks, upload, findings);
    const auto store = stores.choose(request.region, request.near);
    if (!store && !is_retryable(store.error().code))
        findings.add("/region", store.error().code, store.error().detail);
    if (findings.any()) return fail(std::move(findings).error());
    if (!store) return fail(store.error());

    upload.id = make_upload_id(now, random);
    upload.public_id = make_public_id(random);
    upload.region = (*store)->region.name;
    upload.bucket = (*store)->region.incoming;
    upload.key = model::incoming_key(now, upload.id);
    upload.metadata = request.metadata;
    upload.request_id = request.request_id;
    upload.traceparent = request.traceparent;
    upload.tracestate = request.tracestate;
    upload.created_at = now;
    upload.updated_at = now;
    return upload;
}

}  // namespace photogate::pipeline
