// The parts of an S3 request that a signature covers. Everything here is *decoded*: encoding is the signer's
// work.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/endpoint.hpp"
#include "base/words.hpp"
#include "http/semantics/field.hpp"

namespace photogate::signer {

using http::semantics::HeaderField;
/// One without a value is signed with an empty one: `acl` as `acl=`.
using Parameter = http::semantics::QueryParameter;

enum class AddressingStyle { path, virtual_host };

/// Which object (or, without a key, which bucket; without either, the service) at which store.
struct ObjectAddress {
    Endpoint endpoint;
    AddressingStyle style = AddressingStyle::path;
    std::optional<Bucket> bucket;
    std::optional<ObjectKey> key;
};

}  // namespace photogate::signer
