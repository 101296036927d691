#include "gateway/s3/offered.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/ascii.hpp"
#include "gateway/http/message.hpp"
#include "signer/message_rules.hpp"

namespace photogate::gateway::s3 {

namespace {

using signer::starts_with_ignoring_case;

/// Obeyed where the request is read, or without a meaning for the answer.
constexpr std::array<std::string_view, 16> kObeyed = {
    "x-amz-date", "x-amz-content-sha256", "x-amz-security-token", "x-amz-algorithm", "x-amz-credential",
    "x-amz-signature", "x-amz-signedheaders", "x-amz-expires", "x-amz-decoded-content-length",
    "x-amz-trailer", "x-amz-sdk-checksum-algorithm", "x-amz-user-agent", "x-amz-api-version",
    // Nobody pays, nothing is retained, nothing is archived.
    "x-amz-request-payer", "x-amz-bypass-governance-retention", "x-amz-optional-object-attributes"};

/// Obeyed by some operations.
constexpr std::array<std::string_view, 3> kOfCopies = {"x-amz-metadata-directive", "x-amz-tagging-directive",
                                                       "x-amz-tagging"};
constexpr std::array<std::string_view, 3> kOfAttributes = {"x-amz-object-attributes", "x-amz-max-parts",
                                                           "x-amz-part-number-marker"};

/// Values that are done, or are true anyway.
struct Accepted {
    std::string_view name;
    std::array<std::string_view, 3> values;
};
constexpr std::array kAccepted = {
    Accepted{"x-amz-acl", {"private", "bucket-owner-full-control", "bucket-owner-read"}},
    Accepted{"acl", {"private", "bucket-owner-full-control", "bucket-owner-read"}},
    Accepted{"x-amz-storage-class", {"STANDARD", "REDUCED_REDUNDANCY", ""}},
    Accepted{"x-amz-server-side-encryption-bucket-key-enabled", {"false", "", ""}},
    Accepted{"x-amz-bucket-object-lock-enabled", {"false", "", ""}},
    Accepted{"x-amz-object-lock-legal-hold", {"OFF", "", ""}},
    Accepted{"x-amz-object-ownership", {"BucketOwnerEnforced", "", ""}},
};

template <class List>
bool names(const List& list, std::string_view name) {
    return std::any_of(list.begin(), list.end(),
                       [&](std::string_view each) { return ascii::equals_ignoring_case(each, name); });
}

bool is_copy(Operation operation) {
    return operation == Operation::copy_object || operation == Operation::copy_part;
}

/// Obeyed by this operation, if not by every one.
bool is_of(Operation operation, std::string_view name) {
    switch (operation) {
        case Operation::put_object:
        case Operation::create_upload:
            return ascii::equals_ignoring_case(name, "x-amz-tagging");
        case Operation::copy_object:
        case Operation::copy_part:
            return starts_with_ignoring_case(name, "x-amz-copy-source") || names(kOfCopies, name);
        case Operation::get_object_attributes:
            return names(kOfAttributes, name);
        case Operation::complete_upload:
            return ascii::equals_ignoring_case(name, "x-amz-mp-object-size");
        case Operation::abort_upload:
            return ascii::equals_ignoring_case(name, "x-amz-if-match-initiated-time");
        default:
            return false;
    }
}

auto not_implemented(std::string_view name, std::string_view hint = {}) {
    return refuse(Code::NotImplemented,
                  fmt::format("A header you provided implies functionality that is not implemented: {}.{}",
                              name, hint));
}

S3Result<> check_encryption(std::string_view name, std::string_view value, const Offer& offer) {
    if (offer.encrypts && ascii::equals_ignoring_case(name, "x-amz-server-side-encryption") &&
        value == "AES256")
        return {};
    return not_implemented(name,
                           " The built-in store does not encrypt; where its folder is on an encrypted disk, "
                           "store.encrypted_disk lets AES256 be asked for.");
}

}  // namespace

S3Result<> check_offered(std::string_view name, std::string_view value, const Offer& offer) {
    const bool is_field = offer.operation == Operation::post_form && ascii::equals_ignoring_case(name, "acl");
    if (!is_field && !starts_with_ignoring_case(name, "x-amz-") &&
        !starts_with_ignoring_case(name, "x-minio-"))
        return {};
    for (const auto& [known, values] : kAccepted) {
        if (!ascii::equals_ignoring_case(known, name)) continue;
        if (std::find(values.begin(), values.end(), value) != values.end()) return {};
        return not_implemented(fmt::format("{}: {}", name, value.substr(0, 100)));
    }
    if (starts_with_ignoring_case(name, "x-amz-meta-") ||
        starts_with_ignoring_case(name, "x-amz-checksum-") || names(kObeyed, name))
        return {};
    if (ascii::equals_ignoring_case(name, "x-amz-expected-bucket-owner") ||
        (ascii::equals_ignoring_case(name, "x-amz-source-expected-bucket-owner") &&
         is_copy(offer.operation))) {
        if (value == kOwner) return {};
        return refuse(Code::AccessDenied);
    }
    if (starts_with_ignoring_case(name, "x-amz-server-side-encryption"))
        return check_encryption(name, value, offer);
    if (starts_with_ignoring_case(name, "x-amz-copy-source-server-side-encryption"))
        return not_implemented(name);
    if (is_of(offer.operation, name)) return {};
    return not_implemented(name);
}

}  // namespace photogate::gateway::s3
