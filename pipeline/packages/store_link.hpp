// A link of the store itself to the object of a stored package: what is downloaded by it passes no gateway.
//
// It is a presigned GET (AWS, sigv4-query-string-auth) with the worker's credential, at the store's public endpoint. It gives that
// one object and nothing else, until it ends or the object is removed; a package's own link can be revoked sooner.
//
// Thread safety: pure function.
#pragma once

#include <optional>
#include <string>

#include "base/time.hpp"
#include "model/package.hpp"
#include "pipeline/stores.hpp"
#include "signer/signer.hpp"

namespace photogate::pipeline::packages {

/// Good until the package's end, for 7 days at most; the same link within an hour. `disposition` is the Content-Disposition that the
/// store answers with. nullopt: the package is not ready or over, nothing of it is in the store, or its region is not configured.
std::optional<signer::PresignedUrl> store_link(const Stores& stores, const model::Package& package,
                                               std::string disposition, Timestamp now);

}  // namespace photogate::pipeline::packages
