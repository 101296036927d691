#include "gateway/resumable/handover.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace photogate::gateway::resumable {

using storage::chunks::HandoverChannel;
using storage::chunks::HandoverMessage;
using Kind = HandoverMessage::Kind;

Handover::Handover(Holders& holders, HandoverChannel& channel, Patience patience)
    : holders_(holders), channel_(channel), patience_(patience), self_(channel.self()) {
    if (!self_.empty()) channel_.hear([this](const HandoverMessage& message) { hear(message); });
}

Handover::~Handover() {
    if (!self_.empty()) channel_.hear(nullptr);
    std::list<Waiting> left;
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
        left.swap(waiting_);
    }
    changed_.notify_all();
    if (watch_.joinable()) watch_.join();
    for (auto& each : left)
        each.then();
}

void Handover::ask(const std::string& gateway, const UploadId& upload, std::function<void()> then) {
    {
        const std::lock_guard lock{mutex_};
        waiting_.push_back({gateway, upload, Steady::now() + patience_.first, std::move(then)});
        if (!watch_.joinable()) watch_ = std::thread{[this] { watch(); }};
    }
    changed_.notify_all();
    channel_.send({Kind::release, gateway, upload});
}

void Handover::hear(const HandoverMessage& message) {
    if (message.kind == Kind::release) return release(message);
    std::list<Waiting> done;
    {
        const std::lock_guard lock{mutex_};
        for (auto each = waiting_.begin(); each != waiting_.end();) {
            const auto next = std::next(each);
            if (each->gateway == message.gateway && each->upload == message.upload) {
                if (message.kind == Kind::released) {
                    done.splice(done.end(), waiting_, each);
                } else {
                    each->until = Steady::now() + patience_.then;
                }
            }
            each = next;
        }
    }
    for (auto& each : done)
        each.then();
}

void Handover::release(const HandoverMessage& message) {
    const auto answer = [&channel = channel_, message](Kind kind) {
        channel.send({kind, message.gateway, message.upload});
    };
    if (holders_.holds(message.upload)) answer(Kind::releasing);
    holders_.ask(message.upload, [answer](std::unique_ptr<Holders::Holding> holding) {
        holding.reset();
        answer(Kind::released);
    });
}

void Handover::watch() {
    std::unique_lock lock{mutex_};
    while (!stopping_) {
        const auto first = std::min_element(
            waiting_.begin(), waiting_.end(),
            [](const Waiting& one, const Waiting& other) { return one.until < other.until; });
        if (first == waiting_.end()) {
            changed_.wait(lock);
            continue;
        }
        if (const auto until = first->until; Steady::now() < until) {
            changed_.wait_until(lock, until);
            continue;
        }
        auto passed_over = std::move(*first);
        waiting_.erase(first);
        lock.unlock();
        passed_over.then();
        lock.lock();
    }
}

}  // namespace photogate::gateway::resumable
