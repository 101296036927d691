// A package as JSON: the same in every answer of the REST interface and in callbacks.
//
// `progress` is of stored packages, and null of others: what is done about it (`step`, null where nothing is), items and bytes of
// `items` and `size` that are in the store, bytes a second, and the seconds that are left at that rate, null where it is not known.
//
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "model/callback.hpp"
#include "model/package.hpp"

namespace photogate::notifier::callbacks {

/// A link of the store itself.
struct StoreLink {
    std::string url;
    Timestamp expires_at;
};

struct ShownPackage {
    const model::Package& package;
    std::optional<std::string> url;  ///< nullopt: it can't be downloaded, or not by whoever asks
    const std::vector<model::MissingItem>* missing = nullptr;       ///< null: not looked up
    std::optional<std::span<const model::FailedItem>> failed = {};  ///< nullopt: not looked up
    enum class App { told, untold } app = App::untold;
    std::optional<StoreLink> store = {};  ///< nullopt: likewise
};

/// `now` ends a package whose time is over.
std::string package_json(const ShownPackage& shown, Timestamp now);

/// `{"type","id","timestamp","data"}` of Standard Webhooks; `data` is package_json with the items that could not be read, plus
/// sequence, which is 1: a package has one callback. Its `url` is signed, and works until `expires_at`.
std::string package_callback_json(model::CallbackType type, const CallbackId& id, Timestamp now,
                                  const ShownPackage& shown);

}  // namespace photogate::notifier::callbacks
