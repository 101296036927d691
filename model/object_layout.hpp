// The names of all objects that photogate writes, and what a name says about its object.
//
//   u/<minute>/<upload id>                  incoming bucket    what a client uploads; the signer may put here
//   r/<upload id>/<n>/<first>-<epoch>       incoming bucket    a chunk of a resumable upload's nth beginning, from
//                                                              the byte <first>, 12 digits, on
//   p/<public id>/<16 hex>.<ext>            public bucket      a published image; the hex is of its SHA-256
//   v/<public id>/<16 hex>-<16 hex>.<ext>   public bucket      a version of it: the spec's key, the SHA-256
//   o/<upload id>                           originals bucket   an original that is kept
//   q/<upload id>                           originals bucket   an original that is quarantined
//   z/<package id>.zip                      originals bucket   a stored package
//   u/probe/…                               every bucket       what the proof of the store writes and removes
//
// <minute> is `yyyymmddhhmm` in UTC, so that names sort by time. <ext> is 1 to 8 of `a-z 0-9`.
//
// A published name is made of its bytes: another content has another name, and names may be cached for ever.
//
// Does not say whether an object is there, nor whether a row refers to it. Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "base/words.hpp"
#include "model/package.hpp"

namespace photogate::model {

/// Where clients may put, and what the signer's policy is limited to.
inline constexpr std::string_view kIncomingPrefix = "u/";
/// In the incoming bucket, beside what clients put: chunks of resumable uploads.
inline constexpr std::string_view kChunkPrefix = "r/";
/// In the originals bucket: what is kept of rejected uploads.
inline constexpr std::string_view kQuarantinePrefix = "q/";
/// In the originals bucket: stored packages.
inline constexpr std::string_view kPackagePrefix = "z/";
/// Under it the proof of the store places its canaries, in all buckets.
inline constexpr std::string_view kCanaryPrefix = "u/probe/";

/// The prefix of all incoming keys of one minute: `u/202611201234/`.
std::string incoming_minute_prefix(Timestamp minute);
/// Whether a prefix is one that incoming_minute_prefix() makes.
bool is_incoming_minute_prefix(std::string_view prefix);

ObjectKey incoming_key(Timestamp created_at, const UploadId& id);
/// Of all chunks of an upload.
std::string chunk_prefix(const UploadId& id);
/// Of those of one beginning.
std::string chunk_prefix(const UploadId& id, std::uint32_t beginning);
/// No two connections that send the same bytes write the same key: each has an epoch of its own.
ObjectKey chunk_key(const UploadId& id, std::uint32_t beginning, std::uint64_t first, std::uint64_t epoch);
/// `sha256` is lower-case hex of at least 16 digits, `extension` without its dot.
ObjectKey published_key(const PublicId& id, std::string_view sha256, std::string_view extension);
/// `spec` is 16 lower-case hex digits.
ObjectKey version_key(const PublicId& id, std::string_view spec, std::string_view sha256,
                      std::string_view extension);
/// Of all versions of an image.
std::string version_prefix(const PublicId& id);
ObjectKey package_key(const PackageId& id);
ObjectKey original_key(const UploadId& id);
ObjectKey quarantine_key(const UploadId& id);

/// What an object is, as its name says.
struct ObjectRole {
    enum class Kind { incoming, chunk, published, version, package, original, quarantined, canary };
    Kind kind = Kind::incoming;
    std::optional<UploadId> upload;     ///< of incoming, chunk, original and quarantined
    std::optional<PublicId> public_id;  ///< of published and version
    std::optional<PackageId> package_id = std::nullopt;
    bool operator==(const ObjectRole&) const = default;
};
std::string_view to_string(ObjectRole::Kind kind);

/// nullopt for every name that none of the functions above can have made.
std::optional<ObjectRole> classify(const ObjectKey& key);

}  // namespace photogate::model
