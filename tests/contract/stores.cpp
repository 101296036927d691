#include "tests/contract/stores.hpp"

#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <stdexcept>

#include <stdlib.h>

#include "storage/builtin/store.hpp"
#include "storage/objects/s3_client.hpp"

namespace photogate::test {

namespace {

std::string variable(const std::string& name) {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr || *value == '\0')
        throw std::runtime_error{name +
                                 " is not set: run this by `python3 -m tests.contract.stores exec -- "
                                 "PROGRAM`, which starts the stores"};
    return value;
}

/// Opened when first asked for, closed when the last test has run.
class Stores : public testing::Environment {
  public:
    ObjectStore& at(const std::string& name) {
        auto& store = stores_[name];
        if (!store) store = name == "folder" ? folder() : s3(name);
        return *store;
    }
    void TearDown() override {
        stores_.clear();
        std::error_code error;
        if (!folder_.empty()) std::filesystem::remove_all(folder_, error);
    }

  private:
    std::unique_ptr<ObjectStore> folder() {
        std::string name = (std::filesystem::temp_directory_path() / "photogate-contract-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error{"mkdtemp"};
        folder_ = name;
        auto store = storage::builtin::FolderStore::open({.folder = folder_ / "store"}, {clock_, random_});
        if (!store) throw std::runtime_error{store.error().detail};
        for (const char* bucket : {"incoming", "originals"})
            if (!(*store)->buckets().create(Bucket::trusted(bucket))) throw std::runtime_error{bucket};
        return std::move(*store);
    }
    std::unique_ptr<ObjectStore> s3(std::string name) {
        for (char& c : name)
            c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        const std::string prefix = "PHOTOGATE_CONTRACT_" + name;
        S3Options options;
        options.endpoint = *parse_endpoint(variable(prefix + "_ENDPOINT"));
        options.credentials = {variable(prefix + "_ACCESS"), Secret{variable(prefix + "_SECRET")},
                               std::nullopt};
        options.region = Region::trusted("us-east-1");
        return std::make_unique<S3Client>(std::move(options), S3Dependencies{http_, clock_, random_, pacer_});
    }

    storage::http::HttpClient http_{{}};
    SystemClock clock_;
    SystemRandom random_;
    SystemPacer pacer_;
    std::filesystem::path folder_;
    std::map<std::string, std::unique_ptr<ObjectStore>> stores_;
};

// GoogleTest owns it.
Stores* const the_stores = static_cast<Stores*>(testing::AddGlobalTestEnvironment(new Stores));

}  // namespace

Contract::Contract()
    : place("u/" + make_upload_id(SystemClock{}.now(), random).str() + "/"),
      store(the_stores->at(GetParam())) {}

std::string sha256_hex(std::string_view text) {
    return hex_lower(signer::sha256(text));
}

std::string md5_hex(std::string_view text) {
    return hex_lower(signer::md5(as_bytes(text)));
}

}  // namespace photogate::test
