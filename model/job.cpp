#include "model/job.hpp"

namespace photogate::model {

std::string_view to_string(OriginalAction action) {
    switch (action) {
        case OriginalAction::remove:
            return "remove";
        case OriginalAction::keep:
            return "keep";
        case OriginalAction::quarantine:
            return "quarantine";
    }
    return "";
}

}  // namespace photogate::model
