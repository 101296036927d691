// An upload as JSON: the same in every answer of the REST interface and in every callback.
#pragma once

#include <optional>
#include <string>

#include "base/time.hpp"
#include "storage/records/callback.hpp"
#include "storage/records/upload.hpp"

namespace photogate::notifier {

/// The members of the REST contract's "Uploads", but for `upload` (the grant), which only an answer to its maker has.
/// `image_base` goes before `/i/…` in image URLs; empty: paths alone.
std::string upload_json(const storage::records::Upload& upload, const std::string& image_base);

/// `{"type","id","timestamp","data"}` of Standard Webhooks; `data` is upload_json plus bucket, key and sequence.
std::string callback_json(storage::records::CallbackType type, const CallbackId& id, Timestamp now,
                          const storage::records::Upload& upload, const std::string& image_base);

/// `/i/{public id}`
std::string image_path(const PublicId& id);

}  // namespace photogate::notifier
