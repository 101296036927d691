#include "records_database.hpp"

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "base/encoding.hpp"

namespace photogate::storage::records::test {
namespace {

std::string on_server(std::string url, const std::string& database) {
    // postgresql://user@/name?host=…
    const auto authority = url.find("://") + 3;
    const auto slash = url.find('/', authority);
    const auto query = url.find('?', slash);
    return url.replace(slash + 1, query - slash - 1, database);
}

std::string required_url() {
    const char* url = std::getenv("PHOTOGATE_TEST_DATABASE_URL");
    if (url == nullptr)
        throw std::runtime_error("PHOTOGATE_TEST_DATABASE_URL is not set: run by scripts/stack.py exec");
    return url;
}

void command(const std::string& url, const std::string& sql) {
    pqxx::connection connection{url};
    pqxx::nontransaction{connection}.exec(sql);
}

}  // namespace

std::optional<model::ComposedCallback> Composer::compose(model::CallbackType type,
                                                         const model::Upload& upload, Timestamp now) const {
    if (type == model::CallbackType::upload_expired && !upload.callback_url) return std::nullopt;
    SystemRandom random;
    return model::ComposedCallback{
        make_callback_id(now, random),
        upload.callback_url.value_or("https://" + upload.app.str() + ".example/hook"),
        std::string{to_string(type)} + " " + std::to_string(upload.sequence) + " " +
            std::string{to_string(upload.state)} + " " + upload.filename.value_or("-")};
}

std::optional<model::ComposedCallback> Composer::compose_package(model::CallbackType type,
                                                                 const model::Package& package,
                                                                 std::span<const model::FailedItem> failed,
                                                                 Timestamp now) const {
    SystemRandom random;
    return model::ComposedCallback{make_callback_id(now, random),
                                   "https://" + package.app.str() + ".example/hook",
                                   std::string{to_string(type)} + " " + std::to_string(failed.size())};
}

Database::Database(const std::string& server_url)
    : server_url_(server_url.empty() ? required_url() : server_url) {
    SystemRandom random;
    name_ = "records_" + make_public_id(random).str();
    url_ = on_server(server_url_, name_);
    command(server_url_, "create database " + name_);
}

Database::Database(const Template& copied) : server_url_(required_url()) {
    SystemRandom random;
    name_ = "records_" + make_public_id(random).str();
    url_ = on_server(server_url_, name_);
    command(server_url_, "create database " + name_ + " template " + copied.name);
}

/// It goes with the server.
const Database::Template& Database::migrated_template() {
    static const Template made = [] {
        SystemRandom random;
        Template fresh{"migrated_" + make_public_id(random).str()};
        command(required_url(), "create database " + fresh.name);
        const auto migrated = migrate(on_server(required_url(), fresh.name), RunMode::apply);
        if (!migrated) throw std::runtime_error(migrated.error().detail);
        return fresh;
    }();
    return made;
}

Database::~Database() {
    try {
        command(server_url_, "drop database " + name_ + " with (force)");
    } catch (const std::exception& error) {
        ADD_FAILURE() << error.what();
    }
}

pqxx::result Database::run(const std::string& sql) const {
    pqxx::connection connection{url_};
    return pqxx::nontransaction{connection}.exec(sql);
}

Cluster::Cluster() {
    std::string folder = std::filesystem::temp_directory_path() / "photogate-records-XXXXXX";
    if (::mkdtemp(folder.data()) == nullptr) throw std::runtime_error("mkdtemp");
    folder_ = folder;
    control("start");
}

Cluster::~Cluster() {
    try {
        control("stop");
    } catch (const std::exception& error) {
        ADD_FAILURE() << error.what();
    }
    std::filesystem::remove_all(folder_);
}

void Cluster::restart_immediately() const {
    control("restart");
}

std::string Cluster::url() const {
    return "postgresql://photogate@/postgres?host=" + folder_;
}

void Cluster::control(const std::string& verb) const {
    const std::string script =
        std::string{PHOTOGATE_SOURCE_DIR} + "/tests/integration/storage_records/private_cluster.sh";
    if (std::system((script + " " + verb + " " + folder_).c_str()) != 0)
        throw std::runtime_error(verb + " the cluster");
}

RecordsTest::RecordsTest() : records(open()) {}

std::unique_ptr<Records> RecordsTest::open(RecordsOptions options) const {
    options.database_url = database.url();
    auto opened = Records::open(options, composer, clock, const_cast<SystemRandom&>(random));
    if (!opened) throw std::runtime_error(opened.error().detail);
    return std::move(*opened);
}

NewUpload RecordsTest::new_upload(const std::string& app) {
    NewUpload item;
    auto& upload = item.upload;
    upload.id = make_upload_id(clock.now(), random);
    upload.public_id = make_public_id(random);
    upload.app = AppName::trusted(app);
    upload.profile = ProfileName::trusted("photos");
    upload.region = "local";
    upload.bucket = Bucket::trusted("incoming");
    upload.key = ObjectKey::trusted("u/" + format_minute(clock.now()) + "/" + upload.id.str());
    upload.filename = "pick\"up, {42}\\.jpg";
    upload.declared_type = "image/jpeg";
    upload.declared_size = 345'678;
    upload.metadata = {{"order_id", "A-1001"}, {"note", "\"quoted\", {braced} \\ and ü"}};
    upload.client_fields = {"reason", "with \"quote\", comma"};
    upload.request_id = "request-1";
    upload.created_at = clock.now();
    upload.expires_at = clock.now() + std::chrono::minutes{15};
    return item;
}

Result<Created> RecordsTest::try_create(NewUpload item) {
    std::promise<Result<Created>> promise;
    records->uploads.create(std::move(item),
                            [&](Result<Created> created) { promise.set_value(std::move(created)); });
    return promise.get_future().get();
}

model::Upload RecordsTest::create(const std::string& app) {
    return try_create(new_upload(app)).value().upload;
}

Observation RecordsTest::seen(const model::Upload& upload, const std::string& etag,
                              std::optional<std::string> event) {
    Observation observation;
    observation.finder = event ? DiscoveredBy::event : DiscoveredBy::complete_call;
    observation.event_id = std::move(event);
    observation.region = upload.region;
    observation.bucket = upload.bucket;
    observation.key = upload.key;
    observation.object = {ETag::trusted(etag), 345'678, std::nullopt};
    observation.occurred_at = clock.now();
    return observation;
}

Result<ObserveOutcome> RecordsTest::observe(Observation observation) {
    std::promise<Result<ObserveOutcome>> promise;
    records->arrivals.observe(std::move(observation),
                              [&](Result<ObserveOutcome> outcome) { promise.set_value(std::move(outcome)); });
    return promise.get_future().get();
}

model::Upload RecordsTest::received(const std::string& app) {
    const auto upload = create(app);
    EXPECT_EQ(observe(seen(upload)).value(), ObserveOutcome::received);
    return records->uploads.find(std::nullopt, upload.id).value();
}

model::Job RecordsTest::claim_one() {
    auto jobs = records->jobs.claim({"worker", 1, std::chrono::seconds{60}}).value();
    if (jobs.size() != 1) throw std::runtime_error("there was no job to claim");
    return jobs.front();
}

model::Job RecordsTest::claim_process(const UploadId& id) {
    for (;;) {
        auto job = claim_one();
        if (job.upload.id == id && job.kind == model::JobKind::process) return job;
    }
}

Result<> RecordsTest::record(model::CallbackAttempt attempt) {
    std::promise<Result<>> promise;
    records->outbox.record_attempt(std::move(attempt),
                                   [&](Result<> recorded) { promise.set_value(std::move(recorded)); });
    return promise.get_future().get();
}

model::Upload RecordsTest::in_state(model::UploadState state) {
    using enum model::UploadState;
    switch (state) {
        case created:
            return create();
        case uploaded:
            return received();
        case processing:
            return claim_process(received().id).upload;
        case published: {
            const auto job = claim_process(received().id);
            return records->publications.publish(job.lease, a_publication(job.upload)).value();
        }
        case rejected:
            return records->publications.reject(claim_process(received().id).lease, a_refusal()).value();
        case failed: {
            const auto id = received().id;
            for (int crash = 0; crash < 3; ++crash) {
                (void)records->jobs.postpone(claim_process(id).lease,
                                             {model::Postponement::Cost::decoder_crash, "imager_crashed", "",
                                              std::chrono::milliseconds{0}});
            }
            return records->uploads.find(std::nullopt, id).value();
        }
        case expired: {
            const auto id = create().id;
            clock.advance(std::chrono::hours{1});
            EXPECT_TRUE(records->upkeep.expire(id).value());
            return records->uploads.find(std::nullopt, id).value();
        }
        case cancelled:
            return records->uploads.cancel_or_delete(std::nullopt, create().id).value();
        case deleted:
            return records->uploads.cancel_or_delete(std::nullopt, in_state(published).id).value();
    }
    throw std::logic_error("no such state");
}

model::UploadState RecordsTest::state_of(const UploadId& id) {
    return records->uploads.find(std::nullopt, id).value().state;
}

model::Publication a_publication(const model::Upload& upload) {
    model::Publication publication;
    publication.facts = {
        "image/jpeg", 345'678, std::string(64, 'a'), 4'000,    3'000, R"({"make":"Canon\u0000"})",
        "{}",         "ph",    "0123456789abcdef",   "#102030"};
    publication.image = {ObjectKey::trusted("p/" + upload.public_id.str() + "/0123456789abcdef.jpg"),
                         ETag::trusted("out"),
                         std::string(64, 'b'),
                         "jpeg",
                         2'000,
                         1'500,
                         99'000,
                         false};
    publication.bucket = Bucket::trusted("public");
    publication.crc32 = 0xDEADBEEF;
    return publication;
}

model::Refusal a_refusal() {
    return {{"not_an_image", "the bytes are a PDF"}, std::nullopt, model::OriginalAction::quarantine};
}

}  // namespace photogate::storage::records::test
