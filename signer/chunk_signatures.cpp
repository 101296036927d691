#include "signer/chunk_signatures.hpp"

#include <utility>

#include <fmt/format.h>

#include "signer/amz_date.hpp"
#include "signer/canonical_request.hpp"

namespace photogate::signer {

ChunkSignatures::ChunkSignatures(SigningKeyCache::Lease key, Timestamp at, std::string first_signature)
    : key_(std::move(key)), at_(at), previous_(std::move(first_signature)) {}

bool ChunkSignatures::holds(const std::string& string_to_sign, std::string_view signature) {
    if (!constant_time_equal(key_->sign(string_to_sign), signature)) return false;
    previous_ = signature;
    return true;
}

bool ChunkSignatures::next_chunk(const Sha256& chunk, std::string_view signature) {
    return holds(chunk_string_to_sign({AmzDate{at_}, key_->scope, previous_, chunk}), signature);
}

bool ChunkSignatures::trailer(const Sha256& lines, std::string_view signature) {
    return holds(fmt::format("AWS4-HMAC-SHA256-TRAILER\n{}\n{}\n{}\n{}", AmzDate{at_}.text(), key_->scope,
                             previous_, hex_lower(lines)),
                 signature);
}

}  // namespace photogate::signer
