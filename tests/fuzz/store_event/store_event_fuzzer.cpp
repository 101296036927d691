// Any bytes as an event body: there is always an answer, and every event in it can be stored.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/encoding.hpp"
#include "notifier/store_event.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace photogate;
    const auto body = as_text({data, size});
    for (auto encoding : {notifier::KeyEncoding::form, notifier::KeyEncoding::raw}) {
        const auto batch = notifier::parse_store_events(body, encoding);
        if (batch.alien && !(batch.events.empty() && batch.unreadable.empty())) std::abort();
        for (const auto& event : batch.events) {
            const bool storable = !event.key.empty() && event.key.size() <= 1'024 && is_utf8(event.key) &&
                                  event.key.find('\0') == std::string::npos && !event.bucket.empty();
            if (!storable || event.dedupe_id("fuzz").size() != 64) std::abort();
        }
    }
    return 0;
}
