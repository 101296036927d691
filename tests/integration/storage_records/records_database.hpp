// A database of a test's own, and the records on it.
#pragma once

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <pqxx/pqxx>

#include "storage/records/migrate.hpp"
#include "storage/records/records.hpp"

namespace photogate::storage::records::test {

/// Bodies that name their event; `expired` is sent only if it is enabled.
class Composer final : public model::CallbackComposer {
  public:
    std::optional<model::ComposedCallback> compose(model::CallbackType type, const model::Upload& upload,
                                                   Timestamp now) const override;
    std::optional<model::ComposedCallback> compose_package(model::CallbackType type,
                                                           const model::Package& package,
                                                           std::span<const model::FailedItem> failed,
                                                           Timestamp now) const override;
};

/// Created on construction, dropped on destruction.
class Database {
  public:
    /// On the server of PHOTOGATE_TEST_DATABASE_URL, or of another such URL.
    explicit Database(const std::string& server_url = {});
    /// With the schema: a copy of one that was migrated once, which takes a tenth of migrating each.
    static Database migrated() { return Database{migrated_template()}; }
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;
    const std::string& url() const { return url_; }
    pqxx::result run(const std::string& sql) const;
    std::string value(const std::string& sql) const { return run(sql)[0][0].c_str(); }

  private:
    struct Template {
        std::string name;
    };
    explicit Database(const Template& copied);
    static const Template& migrated_template();
    std::string server_url_, name_, url_;
};

/// A second cluster, for tests that restart it.
class Cluster {
  public:
    Cluster();
    ~Cluster();
    void restart_immediately() const;
    std::string url() const;

  private:
    void control(const std::string& verb) const;
    std::string folder_;
};

/// Migrated, with one Records open.
class RecordsTest : public testing::Test {
  protected:
    RecordsTest();
    std::unique_ptr<Records> open(RecordsOptions options = {}) const;

    NewUpload new_upload(const std::string& app = "doorstep");
    Result<Created> try_create(NewUpload item);
    model::Upload create(const std::string& app = "doorstep");
    Observation seen(const model::Upload& upload, const std::string& etag = "e1",
                     std::optional<std::string> event = {});
    Result<ObserveOutcome> observe(Observation observation);
    model::Upload received(const std::string& app = "doorstep");
    model::Job claim_one();
    /// Of this upload, passing over what else is to be done.
    model::Job claim_process(const UploadId& id);
    Result<> record(model::CallbackAttempt attempt);
    /// An upload in that state, brought there by the calls that lead there.
    model::Upload in_state(model::UploadState state);
    model::UploadState state_of(const UploadId& id);

    Database database = Database::migrated();
    Composer composer;
    SystemClock system_clock;
    ManualClock clock{system_clock.now()};
    SystemRandom random;
    std::unique_ptr<Records> records;
};

model::Publication a_publication(const model::Upload& upload);
model::Refusal a_refusal();

}  // namespace photogate::storage::records::test
