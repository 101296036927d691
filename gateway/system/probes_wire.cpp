#include <nlohmann/json.hpp>

#include "gateway/system/probes.hpp"
#include "storage/records/migrate.hpp"

namespace photogate::gateway::system {

routes::Readiness Probes::readiness() const {
    Result<> state;
    if (stopping_) {
        state = fail(ErrorCode::unavailable, "shutting down");
    } else if (const auto answered = base_.records->gauges.ping(); !answered) {
        state = fail(ErrorCode::database_unavailable, "the database does not answer");
    }
    auto detail = nlohmann::ordered_json::object();
    detail["ready"] = state.has_value();
    detail["database"] = state || stopping_ ? "ok" : "away";
    detail["stopping"] = stopping_.load();
    if (state) {
        if (const auto found = storage::records::schema_standing(*base_.records->database)) {
            auto& schema = detail["schema"];
            schema["program"] = found->program;
            schema["database"] = found->later.empty() ? found->program : found->later.back().version;
            schema["permitted"] = found->permitted;
        }
    }
    if (base_.stores.all().size() > 1) {
        // No reason not to be ready: new uploads go to the others.
        auto& regions = detail["regions"];
        for (const auto& [name, store] : base_.stores.all())
            regions[name] = store.health->is_up() ? "up" : "down";
    }
    if (base_.builtin) {
        auto& store = detail["store"];
        store["kind"] = "built-in";
        store["limit"] = "one machine only";
        const auto free = base_.builtin->free_bytes();
        store["free_bytes"] = free ? nlohmann::ordered_json(*free) : nlohmann::ordered_json(nullptr);
    }
    if (base_.imagers) {
        const auto jail = base_.imagers->jail();
        auto& imager = detail["imager"];
        imager["jail"] = jail.is_tight() ? "tight" : "not tight";
        imager["landlock"] = jail.landlock;
    }
    return {std::move(state), detail.dump()};
}

}  // namespace photogate::gateway::system
