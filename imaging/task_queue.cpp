#include "imaging/task_queue.hpp"

#include <algorithm>

namespace photogate::imaging {

std::optional<TaskQueue::Ticket> TaskQueue::put(Lane lane, Priority priority, const std::string& party) {
    auto& waiting = lanes_[index(lane)].waiting;
    if (waiting.size() >= options_[index(lane)].most_waiting) return std::nullopt;
    const auto behind = std::find_if(waiting.begin(), waiting.end(),
                                     [&](const Waiting& other) { return other.priority < priority; });
    const Ticket ticket = next_ticket_++;
    waiting.insert(behind, {ticket, priority, party});
    ++parties_[party].waiting;
    return ticket;
}

bool TaskQueue::may_begin(const Waiting& waiting) const {
    if (waiting.party.empty() || processes_ < 2) return true;
    const Party& party = parties_.find(waiting.party)->second;
    return party.running + 1 < processes_ || party.quick >= (party.was_slow ? kProofAfterSlow : 1);
}

TaskQueue::Place TaskQueue::first_ready(std::size_t lane) const {
    const auto& waiting = lanes_[lane].waiting;
    return std::find_if(waiting.begin(), waiting.end(),
                        [this](const Waiting& one) { return may_begin(one); });
}

bool TaskQueue::is_ready() const {
    return first_ready(0) != lanes_[0].waiting.end() || first_ready(1) != lanes_[1].waiting.end();
}

std::optional<TaskQueue::Ticket> TaskQueue::take() {
    // Used parts of the shares, compared without dividing: running / share.
    const auto less_used = [&](std::size_t a, std::size_t b) {
        return lanes_[a].running * std::max<std::size_t>(1, options_[b].share) <
               lanes_[b].running * std::max<std::size_t>(1, options_[a].share);
    };
    const std::array<Place, kLanes> next{first_ready(0), first_ready(1)};
    const auto waits = [&](std::size_t lane) { return next[lane] != lanes_[lane].waiting.end(); };
    std::size_t chosen = 1 - last_;
    if (!waits(0) && !waits(1)) return std::nullopt;
    if (!waits(chosen) || (waits(last_) && less_used(last_, chosen))) chosen = last_;
    auto& lane = lanes_[chosen];
    const Ticket ticket = next[chosen]->ticket;
    Party& party = parties_[next[chosen]->party];
    --party.waiting;
    ++party.running;
    lane.waiting.erase(next[chosen]);
    ++lane.running;
    last_ = chosen;
    return ticket;
}

bool TaskQueue::remove(Ticket ticket) {
    for (LaneState& lane : lanes_) {
        const auto found = std::find_if(lane.waiting.begin(), lane.waiting.end(),
                                        [&](const Waiting& other) { return other.ticket == ticket; });
        if (found == lane.waiting.end()) continue;
        const std::string party = found->party;
        lane.waiting.erase(found);
        --parties_[party].waiting;
        forget_idle(party);
        return true;
    }
    return false;
}

void TaskQueue::ended(Lane lane, Duration took, const std::string& party) {
    LaneState& state = lanes_[index(lane)];
    if (state.running > 0) --state.running;
    state.typical = state.typical == Duration{0} ? took : (state.typical * 7 + took) / 8;
    Party& whose = parties_[party];
    if (whose.running > 0) --whose.running;
    whose.quick = took > kQuick ? 0 : whose.quick + 1;
    whose.was_slow = whose.quick < kProofAfterSlow && (whose.was_slow || took > kQuick);
    forget_idle(party);
}

void TaskQueue::not_begun(Lane lane, const std::string& party) {
    LaneState& state = lanes_[index(lane)];
    if (state.running > 0) --state.running;
    Party& whose = parties_[party];
    if (whose.running > 0) --whose.running;
    forget_idle(party);
}

/// Only that it was slow is worth remembering: without a past a party has to prove itself as well.
void TaskQueue::forget_idle(const std::string& party) {
    const auto found = parties_.find(party);
    const Party& whose = found->second;
    if (whose.waiting + whose.running > 0) return;
    if (!whose.was_slow || parties_.size() > kMostParties) parties_.erase(found);
}

TaskQueue::Duration TaskQueue::expected(Lane lane, Priority priority) const {
    const LaneState& own = lanes_[index(lane)];
    const LaneState& other = lanes_[1 - index(lane)];
    const auto ahead = static_cast<std::size_t>(
        std::count_if(own.waiting.begin(), own.waiting.end(),
                      [&](const Waiting& waiting) { return waiting.priority >= priority; }));
    // The processes that the lane can count on while the other one has tasks.
    const std::size_t shares =
        std::max<std::size_t>(1, options_[index(lane)].share + options_[1 - index(lane)].share);
    const bool alone = other.waiting.empty() && other.running == 0;
    const std::size_t processes =
        alone ? std::max<std::size_t>(1, processes_)
              : std::max<std::size_t>(1, processes_ * options_[index(lane)].share / shares);
    const bool at_once = own.running + other.running < processes_ && ahead == 0;
    const std::size_t rounds = at_once ? 1 : (ahead + own.running) / processes + 1;
    return own.typical * static_cast<std::int64_t>(rounds);
}

}  // namespace photogate::imaging
