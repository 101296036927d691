// A version, and its watermark, as the imager's protocol has them (imager_wire.hpp).
//
// Thread safety: pure functions. What makes no sense is a members::ProtocolError, thrown.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/encoding.hpp"
#include "imaging/members_wire.hpp"
#include "imaging/version_spec.hpp"

namespace photogate::imaging {

/// The watermarks' pictures, by the digest that the supervisor knows them by.
using Pictures = std::map<std::string, std::shared_ptr<const Bytes>>;
/// `from` is the order's list of them, `body` their bytes, one behind the other.
Pictures pictures_of_order(const members::json& from, BytesView body);

members::json version_to_json(const VersionSpec& spec);
VersionSpec version_from_json(const members::json& from, const Pictures& pictures);

}  // namespace photogate::imaging
