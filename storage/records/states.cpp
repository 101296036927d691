#include "storage/records/records.hpp"

namespace photogate::storage::records {

std::string_view to_string(DiscoveredBy finder) {
    switch (finder) {
        case DiscoveredBy::event:
            return "event";
        case DiscoveredBy::complete_call:
            return "complete_call";
        case DiscoveredBy::reconciler:
            return "reconciler";
    }
    return "";
}

}  // namespace photogate::storage::records
