// The domain's strings as types: parsed once at the boundary, valid inside, never confused.
//
// Thread safety: values.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/random.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace photogate {

/// A strong string type without implicit conversions: `str()` returns the text.
template <class Tag>
class Word {
  public:
    /// For a text known to be well-formed: a constant, or one read back from the database.
    static Word trusted(std::string text) {
        Word word;
        word.text_ = std::move(text);
        return word;
    }
    const std::string& str() const { return text_; }
    bool empty() const { return text_.empty(); }
    auto operator<=>(const Word&) const = default;

  private:
    std::string text_;
};

/// A bucket name by S3's rules: 3 to 63 of `a-z 0-9 . -`, starting and ending with a letter or digit.
using Bucket = Word<struct BucketTag>;
/// An object's key, UTF-8, at most 1,024 bytes, never normalised.
using ObjectKey = Word<struct ObjectKeyTag>;
/// An entity tag without its quotes.
using ETag = Word<struct ETagTag>;
using Region = Word<struct RegionTag>;
using VersionId = Word<struct VersionIdTag>;
/// `upl_` + 26 characters of lower-case Crockford base32: 48 bits of milliseconds, then 80 random bits.
using UploadId = Word<struct UploadIdTag>;
/// 26 characters of lower-case Crockford base32, 128 random bits: the public name of an image.
using PublicId = Word<struct PublicIdTag>;
/// `msg_` + as UploadId: one callback, the same for all its attempts. Never contains a full stop.
using CallbackId = Word<struct CallbackIdTag>;
/// An app's name in configuration: 1 to 32 of `a-z 0-9 -`, starting with a letter.
using AppName = Word<struct AppNameTag>;
using ProfileName = Word<struct ProfileNameTag>;

/// A count of bytes, never negative.
using ByteSize = std::uint64_t;

Result<Bucket> parse_bucket(std::string_view text);
Result<ObjectKey> parse_object_key(std::string_view text);
/// With or without quotes; weak tags are rejected.
Result<ETag> parse_etag(std::string_view text);
Result<Region> parse_region(std::string_view text);
Result<AppName> parse_app_name(std::string_view text);
/// nullopt if photogate could not have created this id (the caller answers 404, not 400).
std::optional<UploadId> parse_upload_id(std::string_view text);
std::optional<PublicId> parse_public_id(std::string_view text);
std::optional<CallbackId> parse_callback_id(std::string_view text);

UploadId make_upload_id(Timestamp now, Random& random);
PublicId make_public_id(Random& random);
CallbackId make_callback_id(Timestamp now, Random& random);

}  // namespace photogate

template <class Tag>
struct std::hash<photogate::Word<Tag>> {
    std::size_t operator()(const photogate::Word<Tag>& word) const {
        return std::hash<std::string>{}(word.str());
    }
};
