// Outbox to receiver on a real PostgreSQL and real sockets: what is delivered, what is tried again, and what
// is never connected to.
#include "notifier/callbacks/callback_sender.hpp"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <future>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "notifier/callbacks/upload_callbacks.hpp"
#include "receiver.hpp"
#include "storage/records/migrate.hpp"
#include "storage/records/records.hpp"

namespace photogate::notifier::callbacks {
namespace {

using namespace std::chrono_literals;
using namespace storage::records;
using testing::Received;
using testing::Receiver;
using testing::say;
using testing::status;

constexpr const char* kSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr const char* kOldSecret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

std::vector<signer::WebhookSecret> secrets(const AppName&) {
    return {signer::WebhookSecret::parse(Secret{kSecret}).value(),
            signer::WebhookSecret::parse(Secret{kOldSecret}).value()};
}

/// A gateway's outbox and its sender. Each test has a path of its own, so that what others left behind is not
/// taken for its own.
class Delivery : public ::testing::Test {
  protected:
    void SetUp() override {
        const char* url = std::getenv("PHOTOGATE_TEST_DATABASE_URL");
        if (!url) GTEST_SKIP() << "PHOTOGATE_TEST_DATABASE_URL names no database";
        const auto migrated = migrate(url, RunMode::apply);
        ASSERT_TRUE(migrated) << migrated.error().detail;
        auto opened = Records::open({.database_url = url}, composer_, clock_, random_);
        ASSERT_TRUE(opened) << opened.error().detail;
        records_ = std::move(*opened);
        path_ = fmt::format("/{}", make_upload_id(clock_.now(), random_).str());
    }
    void TearDown() override { stop(); }

    void start(const std::vector<std::string>& allowed = {"127.0.0.0/8"}, SenderOptions options = {},
               AttemptObserver observer = {}) {
        const auto guard = AddressGuard::make(allowed).value();
        http_ = std::make_unique<storage::http::HttpClient>(storage::http::ClientOptions{
            .guard = [guard](const sockaddr& address) { return guard.permits(address); }});
        sender_ = std::make_unique<CallbackSender>(options, records_->outbox, *http_, secrets, clock_,
                                                   random_, std::move(observer), hooks_);
        thread_ = std::thread{[this] { sender_->run(); }};
    }
    void stop() {
        if (!thread_.joinable()) return;
        sender_->stop();
        records_->jobs.stop_waiting();
        thread_.join();
    }

    /// An upload whose object arrived; its `upload.received` is due at `url`.
    UploadId arrive(const std::string& url) {
        NewUpload fresh;
        auto& upload = fresh.upload;
        upload.id = make_upload_id(clock_.now(), random_);
        upload.public_id = make_public_id(random_);
        upload.app = AppName::trusted("app");
        upload.profile = ProfileName::trusted("default");
        upload.region = "default";
        upload.bucket = Bucket::trusted("incoming");
        upload.key = ObjectKey::trusted("u/" + format_minute(clock_.now()) + "/" + upload.id.str());
        upload.filename = "a photo.jpg";
        upload.callback_url = url;
        upload.created_at = clock_.now();
        upload.expires_at = clock_.now() + 15min;
        upload.updated_at = clock_.now();
        Observation seen;
        seen.finder = DiscoveredBy::complete_call;
        seen.region = upload.region;
        seen.bucket = upload.bucket;
        seen.key = upload.key;
        seen.object = {ETag::trusted("5eb63bbbe01eeed093cb22bb8f5acdc3"), 11, std::nullopt};
        seen.occurred_at = clock_.now();
        const auto id = upload.id;
        std::promise<Result<Created>> created;
        records_->uploads.create(std::move(fresh),
                                 [&](Result<Created> result) { created.set_value(std::move(result)); });
        const auto made = created.get_future().get();
        EXPECT_TRUE(made) << made.error().detail;
        std::promise<Result<ObserveOutcome>> observed;
        records_->arrivals.observe(
            std::move(seen), [&](Result<ObserveOutcome> result) { observed.set_value(std::move(result)); });
        const auto outcome = observed.get_future().get();
        EXPECT_TRUE(outcome) << outcome.error().detail;
        return id;
    }

    CallbackDetails callback_of(const UploadId& upload) {
        const auto found = records_->outbox.list({.upload = upload});
        if (!found || found->size() != 1) {
            ADD_FAILURE() << "the upload has not one callback";
            return {};
        }
        return found->front();
    }
    /// Waits until that many attempts are recorded.
    CallbackDetails attempted(const UploadId& upload, std::size_t attempts) {
        for (int i = 0; i < 1'000; ++i) {
            // A second look: the callback and its attempts are two reads, and the attempt may have come in
            // between.
            if (callback_of(upload).attempts.size() >= attempts) return callback_of(upload);
            std::this_thread::sleep_for(10ms);
        }
        ADD_FAILURE() << "not attempted " << attempts << " times";
        return callback_of(upload);
    }

    ManualClock clock_{SystemClock{}.now()};
    SystemRandom random_;
    UploadCallbacks composer_{"https://img.example", random_,
                              [](const AppName&, const ProfileName&, model::CallbackType) {
                                  return std::optional<Recipient>{Recipient{}};
                              }};
    purges::PurgeHooks hooks_;
    std::unique_ptr<Records> records_;
    std::string path_;

  private:
    std::unique_ptr<storage::http::HttpClient> http_;
    std::unique_ptr<CallbackSender> sender_;
    std::thread thread_;

  protected:
    CallbackSender& sender() { return *sender_; }
};

void expect_verifies(const Received& request, Timestamp now) {
    for (const char* secret : {kSecret, kOldSecret}) {
        const std::vector<signer::WebhookSecret> one = {signer::WebhookSecret::parse(Secret{secret}).value()};
        EXPECT_TRUE(signer::verify_webhook(request.headers.at("webhook-id"),
                                           request.headers.at("webhook-timestamp"),
                                           request.headers.at("webhook-signature"), request.body, one, now));
    }
}

TEST_F(Delivery, delivers_once_and_verifies_with_either_secret) {
    Receiver receiver{[](int socket, const Received&) { say(socket, status(204)); }};
    start();
    const auto upload = arrive(receiver.url(path_));
    const auto details = attempted(upload, 1);
    EXPECT_EQ(details.callback.state, model::CallbackState::delivered);
    EXPECT_EQ(details.attempts[0].status, 204);
    EXPECT_EQ(details.attempts[0].error, "");
    stop();

    const auto received = receiver.received(path_);
    ASSERT_EQ(received.size(), 1U);
    EXPECT_EQ(received[0].headers.at("content-type"), "application/json");
    EXPECT_EQ(received[0].headers.at("webhook-id"), details.callback.id.str());
    EXPECT_TRUE(received[0].headers.at("user-agent").starts_with("photogate/"));
    EXPECT_EQ(received[0].body, details.callback.body);
    EXPECT_NE(received[0].body.find(R"("type":"upload.received")"), std::string::npos);
    EXPECT_NE(received[0].body.find(upload.str()), std::string::npos);
    expect_verifies(received[0], clock_.now());
    EXPECT_GE(sender().counters().delivered, 1U);
}

TEST_F(Delivery, retries_with_same_id_and_body_and_new_timestamp) {
    std::atomic<int> asked{0};
    Receiver receiver{[&](int socket, const Received& request) {
        say(socket, status(request.path == path_ && asked++ == 0 ? 500 : 200));
    }};
    start();
    const auto upload = arrive(receiver.url(path_));
    const auto first = attempted(upload, 1);
    EXPECT_EQ(first.callback.state, model::CallbackState::waiting);
    EXPECT_EQ(first.attempts[0].status, 500);
    EXPECT_EQ(first.attempts[0].error, "status");
    const auto wait = *first.callback.next_attempt_at - first.attempts[0].at;
    EXPECT_GE(wait, 4s);
    EXPECT_LE(wait, 6s);

    clock_.advance(7s);
    EXPECT_EQ(attempted(upload, 2).callback.state, model::CallbackState::delivered);
    const auto received = receiver.received(path_);
    ASSERT_EQ(received.size(), 2U);
    EXPECT_EQ(received[0].body, received[1].body);
    EXPECT_EQ(received[0].headers.at("webhook-id"), received[1].headers.at("webhook-id"));
    EXPECT_NE(received[0].headers.at("webhook-timestamp"), received[1].headers.at("webhook-timestamp"));
    expect_verifies(received[1], clock_.now());
}

TEST_F(Delivery, treats_redirect_as_failure_without_following) {
    Receiver inside{[](int socket, const Received&) { say(socket, status(200)); }};
    for (int code : {301, 302, 307, 308}) {
        Receiver receiver{[&](int socket, const Received&) {
            say(socket, status(code, "Location: " + inside.url("/x") + "\r\n"));
        }};
        if (code == 301) start();
        const auto upload = arrive(receiver.url(path_));
        const auto details = attempted(upload, 1);
        EXPECT_EQ(details.attempts[0].status, code);
        EXPECT_EQ(details.callback.state, model::CallbackState::waiting);
    }
    EXPECT_EQ(inside.connections(), 0U);
}

TEST_F(Delivery, pauses_url_on_410_until_resumed) {
    std::atomic<bool> back{false};
    Receiver receiver{[&](int socket, const Received&) { say(socket, status(back ? 200 : 410)); }};
    start();
    const auto first = arrive(receiver.url(path_));
    EXPECT_EQ(attempted(first, 1).callback.state, model::CallbackState::waiting);
    const auto second = arrive(receiver.url(path_));
    clock_.advance(48h);
    // Something else comes through meanwhile, so the sender had its chance.
    Receiver other{[](int socket, const Received&) { say(socket, status(200)); }};
    attempted(arrive(other.url(path_)), 1);
    EXPECT_EQ(receiver.received(path_).size(), 1U);
    EXPECT_EQ(callback_of(second).callback.state, model::CallbackState::waiting);

    back = true;
    ASSERT_TRUE(records_->outbox.replay(std::nullopt, callback_of(first).callback.id));
    EXPECT_EQ(attempted(first, 2).callback.state, model::CallbackState::delivered);
    EXPECT_EQ(attempted(second, 1).callback.state, model::CallbackState::delivered);
}

TEST_F(Delivery, honours_retry_after_to_the_second) {
    Receiver receiver{[](int socket, const Received&) { say(socket, status(503, "Retry-After: 120\r\n")); }};
    start();
    const auto details = attempted(arrive(receiver.url(path_)), 1);
    EXPECT_EQ(*details.callback.next_attempt_at - details.attempts[0].at, 120s);
}

TEST_F(Delivery, isolates_other_receivers_from_a_hanging_one) {
    std::promise<void> release;
    const auto released = release.get_future().share();
    Receiver slow{[&](int socket, const Received&) {
        released.wait();
        say(socket, status(200));
    }};
    Receiver quick{[](int socket, const Received&) { say(socket, status(200)); }};
    std::vector<UploadId> hanging;
    for (int i = 0; i < 12; ++i)
        hanging.push_back(arrive(slow.url(path_)));
    start({"127.0.0.0/8"}, {.senders = 4, .per_url = 2});
    EXPECT_TRUE(slow.wait_for(path_, 2));
    for (int i = 0; i < 10; ++i)
        EXPECT_EQ(attempted(arrive(quick.url(path_)), 1).callback.state, model::CallbackState::delivered);
    EXPECT_EQ(slow.received(path_).size(), 2U) << "its share";
    release.set_value();
    for (const auto& upload : hanging)
        EXPECT_EQ(attempted(upload, 1).callback.state, model::CallbackState::delivered);
    EXPECT_EQ(slow.received(path_).size(), 12U) << "each once";
}

TEST_F(Delivery, sends_backlog_of_one_url_without_waiting_for_the_poll) {
    Receiver receiver{[](int socket, const Received&) { say(socket, status(200)); }};
    std::vector<UploadId> uploads;
    for (int i = 0; i < 60; ++i)
        uploads.push_back(arrive(receiver.url(path_)));
    start({"127.0.0.0/8"}, {.senders = 2, .per_url = 2, .poll = 60s});
    EXPECT_TRUE(receiver.wait_for(path_, 60));
    for (const auto& upload : uploads)
        EXPECT_EQ(attempted(upload, 1).callback.state, model::CallbackState::delivered);
    EXPECT_EQ(receiver.received(path_).size(), 60U);
}

TEST_F(Delivery, cuts_endless_response) {
    std::atomic<std::size_t> said{0};
    Receiver receiver{[&](int socket, const Received&) {
        const std::string block(65'536, 'x');
        if (!say(socket, "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")) return;
        while (said < (1U << 30) && say(socket, block))
            said += block.size();
    }};
    start();
    const auto details = attempted(arrive(receiver.url(path_)), 1);
    EXPECT_EQ(details.callback.state, model::CallbackState::delivered);
    EXPECT_EQ(details.attempts[0].answer, "") << "kept for failed attempts alone";
    EXPECT_LT(said, 64U << 20);
}

TEST_F(Delivery, gives_up_dripping_response) {
    Receiver* self = nullptr;
    Receiver receiver{[&](int socket, const Received&) {
        if (!say(socket, "HTTP/1.1 200 OK\r\nX-Drip: ")) return;
        while (!self->closing() && say(socket, "x"))
            std::this_thread::sleep_for(50ms);
    }};
    self = &receiver;
    start({"127.0.0.0/8"}, {.timeout = 1'000ms});
    const auto details = attempted(arrive(receiver.url(path_)), 1);
    EXPECT_EQ(details.callback.state, model::CallbackState::waiting);
    EXPECT_EQ(details.attempts[0].status, std::nullopt);
    EXPECT_EQ(details.attempts[0].error, "timeout");
}

TEST_F(Delivery, classifies_silence_as_timeout_and_closed_port_as_connect_error) {
    Receiver* self = nullptr;
    Receiver receiver{[&](int, const Received&) {
        while (!self->closing())
            std::this_thread::sleep_for(20ms);
    }};
    self = &receiver;
    start({"127.0.0.0/8"}, {.timeout = 1'000ms});
    EXPECT_EQ(attempted(arrive(receiver.url(path_)), 1).attempts[0].error, "timeout");
    std::string closed;
    {
        const Receiver gone{[](int, const Received&) {}};
        closed = gone.url(path_);
    }
    EXPECT_EQ(attempted(arrive(closed), 1).attempts[0].error, "connect");
}

TEST_F(Delivery, never_connects_to_forbidden_address) {
    Receiver receiver{[](int socket, const Received&) { say(socket, status(200)); }};
    start({});
    const auto port = receiver.url("").substr(receiver.url("").rfind(':'));
    for (const char* host : {"127.0.0.1", "localhost", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "0",
                             "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"}) {
        const auto details = attempted(arrive(std::string{"http://"} + host + port + path_), 1);
        EXPECT_EQ(details.callback.state, model::CallbackState::waiting) << host;
        EXPECT_EQ(details.attempts[0].status, std::nullopt) << host;
        EXPECT_NE(details.attempts[0].error, "") << host;
    }
    EXPECT_EQ(attempted(arrive(receiver.url(path_ + "b")), 1).attempts[0].error, "blocked");
    EXPECT_EQ(receiver.connections(), 0U);
}

/// Deletions of published images are purged by one hook, whose receiver each test has.
class Purges : public Delivery {
  protected:
    void use(const std::string& api, purges::CacheKind kind = purges::CacheKind::fastly) {
        purges::PurgeHook hook;
        // A party of its own: what other runs left in this database is not its.
        hook.name = "h" + make_upload_id(clock_.now(), random_).str().substr(20);
        hook.kind = kind;
        if (kind == purges::CacheKind::http) {
            hook.url = api + "/{id}";
        } else {
            hook.api = *parse_endpoint(api);
        }
        hook.resource = path_.substr(1);
        hook.token = Secret{"t0ken"};
        hook.repeat_after = 1h;
        hooks_[hook.name] = hook;
        composer_with_hooks_ = std::make_unique<UploadCallbacks>(
            "https://img.example", random_,
            [](const AppName&, const ProfileName&, model::CallbackType) { return std::nullopt; }, hooks_);
        auto opened = Records::open({.database_url = std::getenv("PHOTOGATE_TEST_DATABASE_URL")},
                                    *composer_with_hooks_, clock_, random_);
        ASSERT_TRUE(opened) << opened.error().detail;
        records_ = std::move(*opened);
    }

    /// The public id of an image that was published and is deleted.
    std::string deleted() {
        const auto id = arrive("");
        const auto claimed = records_->jobs.claim({.worker = "test", .most = 1'000});
        EXPECT_TRUE(claimed);
        std::string name;
        for (const auto& job : *claimed) {
            if (job.upload.id != id) continue;
            model::Publication publication;
            publication.facts = {"image/jpeg", 11, std::string(64, 'a'), 4, 3, "{}", "{}", "", ""};
            name = job.upload.public_id.str();
            publication.image = {ObjectKey::trusted("p/" + name + "/0123456789abcdef.jpg"),
                                 ETag::trusted("out"),
                                 std::string(64, 'b'),
                                 "jpeg",
                                 4,
                                 3,
                                 9};
            publication.bucket = Bucket::trusted("public");
            EXPECT_TRUE(records_->publications.publish(job.lease, publication));
        }
        EXPECT_TRUE(records_->uploads.cancel_or_delete(std::nullopt, id));
        uploads_.push_back(id);
        return name;
    }

    /// Of all that were deleted, in the order of their numbers.
    std::vector<CallbackDetails> all() {
        std::vector<CallbackDetails> found;
        for (const auto& upload : uploads_) {
            auto listed = records_->outbox.list({.upload = upload}).value();
            std::move(listed.begin(), listed.end(), std::back_inserter(found));
        }
        return found;
    }
    std::size_t count(model::CallbackState state) {
        const auto found = all();
        return static_cast<std::size_t>(std::count_if(
            found.begin(), found.end(), [&](const auto& each) { return each.callback.state == state; }));
    }
    bool eventually(const std::function<bool()>& condition) {
        for (int i = 0; i < 1'000 && !condition(); ++i)
            std::this_thread::sleep_for(10ms);
        return condition();
    }

  private:
    std::unique_ptr<UploadCallbacks> composer_with_hooks_;
    std::vector<UploadId> uploads_;
};

TEST_F(Purges, those_that_wait_for_one_cache_go_in_one_request_and_are_all_recorded) {
    Receiver receiver{[](int socket, const Received&) { say(socket, status(200)); }};
    use(receiver.url(""));
    std::set<std::string> names;
    for (int i = 0; i < 5; ++i)
        names.insert(deleted());
    EXPECT_EQ(all().size(), 10U) << "two for each image";
    start();
    EXPECT_TRUE(eventually([&] { return count(model::CallbackState::delivered) == 5; }));
    const auto where = "/service" + path_ + "/purge";
    const auto requests = receiver.received(where);
    ASSERT_EQ(requests.size(), 1U) << "of five images";
    const auto& keys = requests[0].headers.at("surrogate-key");
    std::set<std::string> told;
    for (std::size_t at = 0; at < keys.size(); at += 27)
        told.insert(keys.substr(at, 26));
    EXPECT_EQ(told, names);
    EXPECT_EQ(requests[0].headers.at("fastly-key"), "t0ken");
    for (const auto& details : all()) {
        EXPECT_EQ(details.callback.type, model::CallbackType::image_purge);
        EXPECT_LT(details.callback.sequence, 0) << "no app's";
        const bool first = details.callback.sequence == -1;
        EXPECT_EQ(details.attempts.size(), first ? 1U : 0U) << "the second is not due yet";
    }
    clock_.advance(2h);
    EXPECT_TRUE(eventually([&] { return count(model::CallbackState::delivered) == 10; }));
    for (const auto& details : all())
        EXPECT_EQ(details.attempts.size(), 1U);
}

TEST_F(Purges, a_cache_that_refuses_is_asked_again) {
    Receiver receiver{[](int socket, const Received&) { say(socket, status(503)); }};
    use(receiver.url(""));
    deleted();
    start();
    EXPECT_TRUE(eventually([&] {
        const auto found = all();
        return std::any_of(found.begin(), found.end(),
                           [](const auto& each) { return !each.attempts.empty(); });
    }));
    for (const auto& details : all()) {
        EXPECT_EQ(details.callback.state, model::CallbackState::waiting);
        if (details.attempts.empty()) continue;
        EXPECT_EQ(details.attempts[0].error, "status");
        EXPECT_EQ(details.attempts[0].status, 503);
    }
}

TEST_F(Purges, never_connects_to_a_forbidden_address) {
    Receiver receiver{[](int socket, const Received&) { say(socket, status(200)); }};
    use(receiver.url(""), purges::CacheKind::http);
    deleted();
    start({});
    EXPECT_TRUE(eventually([&] {
        const auto found = all();
        return std::any_of(found.begin(), found.end(), [](const auto& each) {
            return !each.attempts.empty() && each.attempts[0].error == "blocked";
        });
    }));
    EXPECT_EQ(receiver.connections(), 0U);
}

TEST_F(Purges, says_that_a_hook_is_not_configured_any_more) {
    Receiver receiver{[](int socket, const Received&) { say(socket, status(200)); }};
    use(receiver.url(""));
    deleted();
    hooks_.clear();
    start();
    EXPECT_TRUE(eventually([&] {
        const auto found = all();
        return std::any_of(found.begin(), found.end(), [](const auto& each) {
            return !each.attempts.empty() && each.attempts[0].error == "no_hook";
        });
    }));
    EXPECT_EQ(receiver.connections(), 0U);
}

TEST_F(Delivery, dies_after_ten_failures_and_replays_the_same_body) {
    std::atomic<bool> well{false};
    Receiver receiver{[&](int socket, const Received&) { say(socket, status(well ? 200 : 500)); }};
    start();
    const auto upload = arrive(receiver.url(path_));
    for (std::size_t n = 1; n <= kMostAttempts; ++n) {
        attempted(upload, n);
        clock_.advance(30h);
    }
    EXPECT_EQ(callback_of(upload).callback.state, model::CallbackState::dead);
    well = true;
    ASSERT_TRUE(records_->outbox.replay(std::nullopt, callback_of(upload).callback.id));
    EXPECT_EQ(attempted(upload, kMostAttempts + 1).callback.state, model::CallbackState::delivered);
    const auto received = receiver.received(path_);
    ASSERT_EQ(received.size(), kMostAttempts + 1);
    for (const auto& request : received) {
        EXPECT_EQ(request.body, received[0].body);
        EXPECT_EQ(request.headers.at("webhook-id"), received[0].headers.at("webhook-id"));
    }
}

TEST_F(Delivery, backs_off_failing_receiver_and_delivers_all_once_it_recovers) {
    std::atomic<bool> well{false};
    Receiver receiver{[&](int socket, const Received&) { say(socket, status(well ? 200 : 500)); }};
    std::vector<UploadId> uploads;
    for (int i = 0; i < 40; ++i)
        uploads.push_back(arrive(receiver.url(path_)));
    start();
    const auto state = [&]() -> std::optional<model::CallbackEndpoint::State> {
        const auto found = records_->outbox.endpoints({.own_url = receiver.url(path_), .limit = 200});
        for (const auto& each : found.value()) {
            if (each.key.url == receiver.url(path_)) return each.state;
        }
        return std::nullopt;
    };
    for (int i = 0; i < 1'000 && state() != model::CallbackEndpoint::State::open; ++i)
        std::this_thread::sleep_for(10ms);
    ASSERT_EQ(state(), model::CallbackEndpoint::State::open);
    // Something else comes through meanwhile, so the sender had its chance.
    Receiver other{[](int socket, const Received&) { say(socket, status(200)); }};
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(attempted(arrive(other.url(path_)), 1).callback.state, model::CallbackState::delivered);
    const auto tried = receiver.received(path_).size();
    EXPECT_GE(tried, 10U);
    EXPECT_LE(tried, 17U) << "ten, and what was under way with the tenth";
    std::vector<std::size_t> attempts;
    for (const auto& upload : uploads)
        attempts.push_back(callback_of(upload).attempts.size());
    EXPECT_EQ(std::count(attempts.begin(), attempts.end(), 0U), 40 - static_cast<std::ptrdiff_t>(tried));

    well = true;
    clock_.advance(10s);
    EXPECT_TRUE(receiver.wait_for(path_, tried + 40));
    for (std::size_t i = 0; i < uploads.size(); ++i) {
        EXPECT_EQ(attempted(uploads[i], attempts[i] + 1).callback.state, model::CallbackState::delivered);
    }
    EXPECT_EQ(receiver.received(path_).size(), tried + 40) << "each once more";
}

TEST_F(Delivery, reports_each_attempt_to_the_observer) {
    Receiver receiver{[](int socket, const Received&) { say(socket, status(204)); }};
    std::promise<model::CallbackAttempt> told;
    std::atomic<bool> once{false};
    start({"127.0.0.0/8"}, {}, [&](const model::CallbackAttempt& attempt) {
        if (attempt.endpoint.url == receiver.url(path_) && !once.exchange(true)) told.set_value(attempt);
    });
    arrive(receiver.url(path_));
    EXPECT_EQ(told.get_future().get().status, 204);
    stop();
}

TEST_F(Delivery, finishes_and_records_attempts_in_progress_on_stop) {
    std::promise<void> release;
    const auto released = release.get_future().share();
    Receiver receiver{[&](int socket, const Received&) {
        released.wait();
        say(socket, status(200));
    }};
    start();
    const auto upload = arrive(receiver.url(path_));
    EXPECT_TRUE(receiver.wait_for(path_, 1));
    sender().stop();
    release.set_value();
    stop();
    EXPECT_EQ(callback_of(upload).callback.state, model::CallbackState::delivered);
}

}  // namespace
}  // namespace photogate::notifier::callbacks
