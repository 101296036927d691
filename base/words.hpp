// The words of the domain as types: parsed once at the edge, valid inside, never mixed up.
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

/// A text with a meaning. No implicit conversion: `str()` is the door out, a named maker the door in.
template <class Tag>
class Word {
  public:
    /// For a text that is known to be well-formed: a constant, or what we ourselves stored.
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

/// A bucket name as S3 has it: 3 to 63 of `a-z 0-9 . -`, starting and ending with a letter or digit.
using Bucket = Word<struct BucketTag>;
/// An object's key, UTF-8, at most 1,024 bytes, never normalised.
using ObjectKey = Word<struct ObjectKeyTag>;
/// An entity tag without its quotes.
using ETag = Word<struct ETagTag>;
using Region = Word<struct RegionTag>;
using VersionId = Word<struct VersionIdTag>;
/// `upl_` + 26 characters of lower-case Crockford base32: 48 bits of milliseconds, then 80 of chance.
using UploadId = Word<struct UploadIdTag>;
/// 26 characters of lower-case Crockford base32, 128 bits of chance: an image's name in public.
using PublicId = Word<struct PublicIdTag>;
/// `msg_` + as UploadId: one callback, the same over all its attempts. Never contains a full stop.
using CallbackId = Word<struct CallbackIdTag>;
/// An app's name in configuration: 1 to 32 of `a-z 0-9 -`.
using AppName = Word<struct AppNameTag>;
using ProfileName = Word<struct ProfileNameTag>;

/// A count of bytes, never negative.
using ByteSize = std::uint64_t;

Result<Bucket> parse_bucket(std::string_view text);
Result<ObjectKey> parse_object_key(std::string_view text);
/// With or without quotes; a weak tag is refused.
Result<ETag> parse_etag(std::string_view text);
Result<Region> parse_region(std::string_view text);
/// nullopt where the text is not an id that we could have made (the caller answers 404, not 400).
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
