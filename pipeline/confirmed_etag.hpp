// Under which ETag the store keeps what was put just now.
//
// An image is served only under its ETag. One that is not the MD5 of the bytes is right where the store encrypts, and
// wrong where something between us changed it, so the store is asked then.
//
// Thread safety: as the store's; blocking.
#pragma once

#include "base/encoding.hpp"
#include "base/result.hpp"
#include "base/words.hpp"
#include "storage/objects/object_store.hpp"

namespace photogate::pipeline {

/// `answered`: what the PUT was answered. Errors: those of ObjectStore::head().
Result<ETag> confirmed_etag(storage::objects::ObjectStore& objects, const Bucket& bucket,
                            const ObjectKey& key, BytesView bytes, const ETag& answered);

}  // namespace photogate::pipeline
