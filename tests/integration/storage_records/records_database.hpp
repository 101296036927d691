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

#include "storage/records/records.hpp"

namespace photogate::storage::records::test {

/// Bodies that name what they tell of; `expired` is told only to those who ask for it.
class Composer final : public CallbackComposer {
  public:
    std::optional<ComposedCallback> compose(CallbackType type, const Upload& upload,
                                            Timestamp now) const override;
};

/// Created on construction, dropped on destruction.
class Database {
  public:
    /// On the server of PHOTOGATE_TEST_DATABASE_URL, or of another such URL.
    explicit Database(const std::string& server_url = {});
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;
    const std::string& url() const { return url_; }
    pqxx::result run(const std::string& sql) const;
    std::string value(const std::string& sql) const { return run(sql)[0][0].c_str(); }

  private:
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
    Upload create(const std::string& app = "doorstep");
    Observation seen(const Upload& upload, const std::string& etag = "e1",
                     std::optional<std::string> event = {});
    Result<ObserveOutcome> observe(Observation observation);
    Upload received(const std::string& app = "doorstep");
    Job claim_one();
    /// Of this upload, passing over what else is to be done.
    Job claim_process(const UploadId& id);
    Result<> record(CallbackAttempt attempt);
    /// An upload in that state, brought there by the calls that lead there.
    Upload in_state(UploadState state);
    UploadState state_of(const UploadId& id);

    Database database;
    Composer composer;
    SystemClock system_clock;
    ManualClock clock{system_clock.now()};
    SystemRandom random;
    std::unique_ptr<Records> records;
};

Publication a_publication(const Upload& upload);
Refusal a_refusal();

}  // namespace photogate::storage::records::test
