#include "storage/records/records.hpp"

namespace photogate::storage::records {

std::string_view to_string(Finder finder) {
    switch (finder) {
        case Finder::event:
            return "event";
        case Finder::complete_call:
            return "complete_call";
        case Finder::reconciler:
            return "reconciler";
    }
    return "";
}

}  // namespace photogate::storage::records
