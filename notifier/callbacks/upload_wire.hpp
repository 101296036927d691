// An upload as JSON: the same in every answer of the REST interface and in every callback.
//
// One rule for what is not known: every member is always there. A single value that is not known (yet, or any
// more) is null; `metadata` and `client_metadata` are objects and `variants` an array, empty where there is
// nothing. `content_type`, `size`, `width`, `height` and `sha256` are of the original, as found, never as
// declared; `image` is what was published, and null in every state but `published`. `rejection` is there for
// rejected and failed uploads. `private` says that the URLs of its image and variants need a signature. Times are RFC 3339 in UTC with milliseconds.
//
// Thread safety: pure. A `*_json` text that is no JSON object (64 KiB, 16 levels, no name twice) becomes
// null.
#pragma once

#include <optional>
#include <string>

#include "base/time.hpp"
#include "model/callback.hpp"
#include "model/upload.hpp"

namespace photogate::notifier::callbacks {

/// Who may see its image: `private` of the answer.
enum class Audience { everybody, link_holders };

/// The members of the REST contract's "Uploads", but for `upload` (the grant), which only an answer to its
/// maker has. `base_url` goes before the paths of links; empty: paths alone.
std::string upload_json(const model::Upload& upload, const std::string& base_url,
                        Audience audience = Audience::everybody);

/// `{"type","id","timestamp","data"}` of Standard Webhooks; `data` is upload_json plus bucket, key and
/// sequence. The key is where the original lies in a private bucket; it opens nothing without a credential,
/// and no signed URL is ever inside.
std::string callback_json(model::CallbackType type, const CallbackId& id, Timestamp now,
                          const model::Upload& upload, const std::string& base_url,
                          Audience audience = Audience::everybody);

/// `/i/{public id}`
std::string image_path(const PublicId& id);
/// `?variant=thumb&v=0a1b2c3d`, to be put behind it: another picture under the name has another URL.
std::string variant_query(const model::Variant& variant);

}  // namespace photogate::notifier::callbacks
