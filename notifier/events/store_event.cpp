#include "notifier/events/store_event.hpp"

#include <fmt/format.h>

#include "signer/digest.hpp"

namespace photogate::notifier::events {

std::string StoreEvent::dedupe_id(std::string_view source) const {
    // Lengths go before the texts, so that no two tuples join to the same bytes.
    std::string joined;
    for (std::string_view part : {source, std::string_view{bucket}, std::string_view{key},
                                  std::string_view{version ? *version
                                                   : etag  ? *etag
                                                           : std::string_view{}},
                                  std::string_view{sequencer}, std::string_view{name}}) {
        fmt::format_to(std::back_inserter(joined), "{}:", part.size());
        joined += part;
    }
    return hex_lower(signer::sha256(joined));
}

}  // namespace photogate::notifier::events
