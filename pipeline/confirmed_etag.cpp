#include "pipeline/confirmed_etag.hpp"

#include "signer/digest.hpp"

namespace photogate::pipeline {

Result<ETag> confirmed_etag(storage::objects::ObjectStore& objects, const Bucket& bucket,
                            const ObjectKey& key, BytesView bytes, const ETag& answered) {
    if (answered.str() == hex_lower(signer::md5(bytes))) return answered;
    const auto there = objects.head(bucket, key, {});
    if (!there) return fail(there.error());
    return there->etag;
}

}  // namespace photogate::pipeline
