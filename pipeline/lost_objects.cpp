#include "pipeline/lost_objects.hpp"

#include <future>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/failpoint.hpp"
#include "base/log.hpp"

namespace photogate::pipeline {

using storage::objects::ListedObject;
using storage::records::Arrivals;
using storage::records::DiscoveredBy;
using storage::records::Observation;
using storage::records::ObserveOutcome;

Result<std::size_t> observe_listed(Arrivals& arrivals, const Store& store,
                                   const std::vector<ListedObject>& objects, const Clock& clock) {
    // Handed over together, so that they share their commits; the promises outlive every answer.
    std::vector<std::promise<Result<ObserveOutcome>>> answers(objects.size());
    for (std::size_t i = 0; i < objects.size(); ++i) {
        const auto& object = objects[i];
        Observation seen;
        seen.finder = DiscoveredBy::reconciler;
        seen.region = store.region.name;
        seen.bucket = store.region.incoming;
        seen.key = object.key;
        seen.object = {object.etag, object.size, std::nullopt};
        seen.occurred_at = object.last_modified.value_or(clock.now());
        arrivals.observe(std::move(seen), [&answer = answers[i]](Result<ObserveOutcome> outcome) {
            answer.set_value(std::move(outcome));
        });
    }
    std::size_t received = 0;
    std::optional<Error> error;
    for (std::size_t i = 0; i < objects.size(); ++i) {
        const auto outcome = answers[i].get_future().get();
        if (!outcome) {
            if (!error) error = outcome.error();
            continue;
        }
        if (*outcome != ObserveOutcome::received) continue;
        ++received;
        log::warn("reconciler.lost_event", {{"key", objects[i].key.str()}});
        failpoint::pass(failpoint::Point::mid_reconcile);
    }
    if (error) return fail(std::move(*error));
    return received;
}

Result<std::size_t> take_in_lost(Arrivals& arrivals, const Store& store,
                                 const std::vector<ListedObject>& page, const Clock& clock) {
    if (page.empty()) return 0;
    std::vector<ObjectKey> keys;
    for (const auto& object : page)
        keys.push_back(object.key);
    const auto waiting = arrivals.still_waiting(keys);
    if (!waiting) return fail(waiting.error());
    std::set<std::string> wanted;
    for (const auto& key : *waiting)
        wanted.insert(key.str());
    std::vector<ListedObject> lost;
    for (const auto& object : page) {
        if (wanted.contains(object.key.str())) lost.push_back(object);
    }
    return observe_listed(arrivals, store, lost, clock);
}

}  // namespace photogate::pipeline
