#include "imaging/task_queue.hpp"

#include <algorithm>

namespace photogate::imaging {

std::optional<TaskQueue::Ticket> TaskQueue::put(Lane lane, Priority priority) {
    auto& waiting = lanes_[index(lane)].waiting;
    if (waiting.size() >= options_[index(lane)].most_waiting) return std::nullopt;
    const auto behind = std::find_if(waiting.begin(), waiting.end(),
                                     [&](const Waiting& other) { return other.priority < priority; });
    const Ticket ticket = next_ticket_++;
    waiting.insert(behind, {ticket, priority});
    return ticket;
}

std::optional<TaskQueue::Ticket> TaskQueue::take() {
    // Used parts of the shares, compared without dividing: running / share.
    const auto less_used = [&](std::size_t a, std::size_t b) {
        return lanes_[a].running * std::max<std::size_t>(1, options_[b].share) <
               lanes_[b].running * std::max<std::size_t>(1, options_[a].share);
    };
    std::size_t chosen = 1 - last_;
    if (lanes_[0].waiting.empty() && lanes_[1].waiting.empty()) return std::nullopt;
    if (lanes_[chosen].waiting.empty() || (!lanes_[last_].waiting.empty() && less_used(last_, chosen)))
        chosen = last_;
    auto& lane = lanes_[chosen];
    const Ticket ticket = lane.waiting.front().ticket;
    lane.waiting.pop_front();
    ++lane.running;
    last_ = chosen;
    return ticket;
}

bool TaskQueue::remove(Ticket ticket) {
    for (LaneState& lane : lanes_) {
        const auto found = std::find_if(lane.waiting.begin(), lane.waiting.end(),
                                        [&](const Waiting& other) { return other.ticket == ticket; });
        if (found == lane.waiting.end()) continue;
        lane.waiting.erase(found);
        return true;
    }
    return false;
}

void TaskQueue::ended(Lane lane, Duration took) {
    LaneState& state = lanes_[index(lane)];
    if (state.running > 0) --state.running;
    state.typical = state.typical == Duration{0} ? took : (state.typical * 7 + took) / 8;
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
