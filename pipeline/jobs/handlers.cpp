#include "pipeline/jobs/handlers.hpp"

#include <stdexcept>

namespace photogate::pipeline::jobs {

std::string_view to_string(Lane lane) {
    switch (lane) {
        case Lane::cpu:
            return "cpu";
        case Lane::store:
            return "store";
        case Lane::network:
            return "network";
    }
    return "";
}

void Handlers::add(std::unique_ptr<JobHandler> handler) {
    const auto kind = handler->kind();
    if (!handlers_.emplace(kind, std::move(handler)).second)
        throw std::logic_error{"two handlers for the job kind " + kind.word};
}

JobHandler* Handlers::of(const model::JobKind& kind) const {
    const auto found = handlers_.find(kind);
    return found == handlers_.end() ? nullptr : found->second.get();
}

std::vector<model::JobKind> Handlers::kinds(Lane lane) const {
    std::vector<model::JobKind> kinds;
    for (const auto& [kind, handler] : handlers_) {
        if (handler->lane() == lane) kinds.push_back(kind);
    }
    return kinds;
}

}  // namespace photogate::pipeline::jobs
