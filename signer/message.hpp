// The parts of an S3 request that a signature covers. Everything here is *decoded*: encoding is the signer's
// work.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/endpoint.hpp"
#include "base/words.hpp"

namespace photogate::signer {

/// A query parameter, decoded. A parameter without a value has an empty one (`acl` is signed as `acl=`).
struct Parameter {
    std::string name;
    std::string value;
    bool operator==(const Parameter&) const = default;
};

struct Header {
    std::string name;
    std::string value;
    bool operator==(const Header&) const = default;
};

enum class AddressingStyle { path, virtual_host };

/// Which object (or, without a key, which bucket; without either, the service) at which store.
struct ObjectAddress {
    Endpoint endpoint;
    AddressingStyle style = AddressingStyle::path;
    std::optional<Bucket> bucket;
    std::optional<ObjectKey> key;
};

}  // namespace photogate::signer
