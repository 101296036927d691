#include "gateway/http/work_pool.hpp"

#include <exception>
#include <system_error>

#include <pthread.h>

#include "base/log.hpp"

namespace photogate::gateway::http {

WorkPool::WorkPool(Options options) : options_(std::move(options)) {
    threads_.reserve(options_.threads);
}

WorkPool::~WorkPool() {
    join();
}

Result<> WorkPool::refuse() {
    ++refused_;
    return fail(Error{ErrorCode::overloaded,
                      "the gateway has as much work as it can take; send the same request again in a moment",
                      {},
                      std::chrono::seconds{1}});
}

Result<> WorkPool::reserve() {
    if (closing_ || waiting_.size() >= options_.queue) return refuse();
    const std::size_t idle = threads_.size() - active_;
    if (idle > waiting_.size() || threads_.size() == options_.threads) return {};
    return start_thread();
}

Result<> WorkPool::start_thread() {
    try {
        threads_.emplace_back([this] { loop(); });
    } catch (const std::system_error& error) {
        log::error("pool.no_thread", {{"pool", options_.name}, {"what", error.what()}});
        if (threads_.empty()) return refuse();
        return {};
    }
    // Names are for people; a refused one changes nothing.
    (void)pthread_setname_np(threads_.back().native_handle(),
                             (options_.name.substr(0, 12) + std::to_string(threads_.size() - 1)).c_str());
    return {};
}

void WorkPool::loop() {
    std::unique_lock lock(mutex_);
    while (true) {
        wake_.wait(lock, [this] { return closing_ || !waiting_.empty(); });
        if (waiting_.empty()) return;
        std::unique_ptr<AnyTask> task = std::move(waiting_.front());
        waiting_.pop_front();
        ++active_;
        lock.unlock();
        try {
            task->run();
        } catch (const std::exception& error) {
            log::error("pool.exception", {{"pool", options_.name}, {"what", error.what()}});
        }
        task.reset();
        lock.lock();
        --active_;
        ++finished_;
    }
}

void WorkPool::join() {
    {
        std::lock_guard lock(mutex_);
        closing_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) {
        if (thread.joinable()) thread.join();
    }
}

WorkPool::Counts WorkPool::counts() const {
    std::lock_guard lock(mutex_);
    return {waiting_.size(), active_, options_.threads, finished_, refused_};
}

Handler answer_on(WorkPool& pool, std::function<Result<Response>(Request&)> make) {
    struct Work {
        std::shared_ptr<const std::function<Result<Response>(Request&)>> make;
        Request request;
        Responder responder;
        void operator()() {
            // A GET without a client has no effect; any other request is carried out even if the client has left.
            const bool safe = request.method == Method::get || request.method == Method::head;
            if (safe && responder.abandoned()) return;
            responder.reply((*make)(request));
        }
    };
    auto shared = std::make_shared<const std::function<Result<Response>(Request&)>>(std::move(make));
    return [&pool, shared](Request request, Responder responder) {
        Work work{shared, std::move(request), std::move(responder)};
        if (Result<> taken = pool.submit(std::move(work)); !taken)
            work.responder.fail(std::move(taken.error()));
    };
}

}  // namespace photogate::gateway::http
