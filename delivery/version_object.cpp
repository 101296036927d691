#include "delivery/version_object.hpp"

#include <zlib.h>

#include "model/object_layout.hpp"
#include "pipeline/confirmed_etag.hpp"
#include "signer/digest.hpp"
#include "storage/http/body_source.hpp"

namespace photogate::delivery {

Result<model::VersionAhead> put_version(const pipeline::Store& store, const PublicId& public_id,
                                        const std::string& spec_key, const imaging::Published& picture) {
    const auto sha256 = hex_lower(signer::sha256(picture.bytes));
    model::VersionAhead version;
    version.spec_key = spec_key;
    version.crc32 = static_cast<std::uint32_t>(
        ::crc32_z(::crc32_z(0, nullptr, 0), picture.bytes.data(), picture.bytes.size()));
    auto& image = version.image;
    image.key = model::version_key(public_id, hex_lower(signer::sha256(spec_key)), sha256,
                                   imaging::file_extension(picture.format));
    image.sha256 = sha256;
    image.format = imaging::to_string(picture.format);
    image.width = picture.width;
    image.height = picture.height;
    image.size = picture.bytes.size();

    storage::objects::PutOptions options;
    options.content_type = imaging::media_type(picture.format);
    options.cache_control = "public, max-age=31536000, immutable";
    options.content_disposition = "inline";
    options.sha256 = sha256;
    const auto put = store.objects->put(store.region.published, image.key,
                                        storage::http::MemorySource{picture.bytes}, options);
    if (!put) return fail(put.error());
    auto etag =
        pipeline::confirmed_etag(*store.objects, store.region.published, image.key, picture.bytes, put->etag);
    if (!etag) return fail(std::move(etag.error()));
    image.etag = std::move(*etag);
    return version;
}

}  // namespace photogate::delivery
