#include "notifier/callbacks/upload_wire.hpp"

#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "notifier/callbacks/upload_callbacks.hpp"

namespace photogate::notifier::callbacks {
namespace {

using nlohmann::json;

Timestamp at(const char* text) {
    return *parse_rfc3339(text);
}

model::Upload created() {
    model::Upload upload;
    upload.id = UploadId::trusted("upl_06f3y8m2c4t6v8x0z2b4d6f8h0");
    upload.public_id = PublicId::trusted("7h2k4m6n8p0q2r4s6t8v0w2x4y");
    upload.app = AppName::trusted("doorstep");
    upload.profile = ProfileName::trusted("proof");
    upload.method = model::GrantMethod::post;
    upload.region = "default";
    upload.bucket = Bucket::trusted("incoming");
    upload.key = ObjectKey::trusted("u/202611201234/upl_06f3y8m2c4t6v8x0z2b4d6f8h0");
    upload.filename = "pickup \"42\" \xF0\x9F\x93\xB7.jpg";
    upload.declared_type = "image/jpeg";
    upload.declared_size = 345678;
    upload.metadata = {{"order_id", "A-1001"}, {"note", "line\nbreak\t\x01 </script>"}};
    upload.created_at = at("2026-11-20T12:34:56.789012Z");
    upload.expires_at = at("2026-11-20T12:49:56.789Z");
    upload.updated_at = upload.created_at;
    upload.request_id = "req-1";
    return upload;
}

model::Upload received() {
    auto upload = created();
    upload.state = model::UploadState::uploaded;
    upload.received_at = at("2026-11-20T12:35:01Z");
    upload.pinned =
        model::PinnedObject{ETag::trusted("5eb63bbbe01eeed093cb22bb8f5acdc3"), 345678, std::nullopt};
    upload.client_metadata = {{"reason", "left at the door"}};
    upload.sequence = 1;
    return upload;
}

model::Upload published() {
    auto upload = received();
    upload.state = model::UploadState::published;
    upload.facts = model::OriginalFacts{
        .content_type = "image/jpeg",
        .size = 345678,
        .sha256 = std::string(64, 'a'),
        .width = 4032,
        .height = 3024,
        .exif_json = R"({"make":"Acme","gps":{"latitude":52.5,"longitude":13.4,"altitude":null}})",
        .privacy_json = R"({"metadata_remaining":[],"gps_removed":true})",
        .placeholder = "1QcSHQRnh493V4dIh4eXh1h4kJUI",
        .perceptual_hash = "c3d4e5f6a7b8c9d0",
        .dominant_color = "#7a6a58",
    };
    upload.image = model::PublishedImage{.key = ObjectKey::trusted("p/7h2k/abc.jpg"),
                                         .etag = ETag::trusted("e"),
                                         .sha256 = std::string(64, 'b'),
                                         .format = "jpeg",
                                         .width = 2048,
                                         .height = 1536,
                                         .size = 210000};
    upload.finished_at = at("2026-11-20T12:35:02.5Z");
    upload.sequence = 2;
    return upload;
}

/// The golden files are laid out for people; the members and their order are what is compared.
void expect_golden(const std::string& name, const std::string& made) {
    std::ifstream in{std::string{PHOTOGATE_SOURCE_DIR} + "/tests/data/uploads/" + name};
    ASSERT_TRUE(in) << name;
    EXPECT_EQ(nlohmann::ordered_json::parse(made).dump(2), nlohmann::ordered_json::parse(in).dump(2)) << name;
}

TEST(UploadWire, matches_golden_files) {
    expect_golden("created.json", upload_json(created(), ""));
    expect_golden("published.json", upload_json(published(), "https://img.example"));
    auto rejected = received();
    rejected.state = model::UploadState::rejected;
    rejected.rejection = model::RejectionFacts{"image_too_large", "more than 100 megapixels"};
    expect_golden("rejected.json", upload_json(rejected, ""));
    expect_golden("callback_received.json",
                  callback_json(model::CallbackType::upload_received, CallbackId::trusted("msg_1"),
                                at("2026-11-20T12:35:01.25Z"), received(), "https://img.example"));
}

TEST(UploadWire, has_the_same_members_in_every_state) {
    const auto names = [](const model::Upload& upload) {
        std::vector<std::string> out;
        const auto parsed = json::parse(upload_json(upload, ""));
        for (const auto& [name, value] : parsed.items())
            out.push_back(name);
        return out;
    };
    const auto expected = names(created());
    EXPECT_EQ(names(received()), expected);
    EXPECT_EQ(names(published()), expected);
}

TEST(UploadWire, hides_picture_of_deleted_upload) {
    auto upload = published();
    upload.state = model::UploadState::deleted;
    const auto shown = json::parse(upload_json(upload, ""));
    for (const char* member : {"image", "exif", "privacy", "placeholder", "perceptual_hash", "dominant_color",
                               "sha256", "width"}) {
        EXPECT_TRUE(shown.at(member).is_null()) << member;
    }
}

TEST(UploadWire, writes_null_for_texts_that_are_not_json_objects) {
    for (const std::string& hostile :
         {std::string{R"({"a":1},"state":"deleted")"}, std::string{"nonsense"}, std::string{"[1]"},
          std::string{"1"}, std::string{"{"}, std::string{"{} {}"}, std::string(100'000, '['),
          std::string{R"({"a":1,"a":2})"}, "{\"a\":\"" + std::string(70'000, 'x') + "\"}"}) {
        auto upload = published();
        upload.facts->exif_json = hostile;
        upload.facts->privacy_json = hostile;
        const auto shown = json::parse(upload_json(upload, ""));
        EXPECT_TRUE(shown.at("exif").is_null());
        EXPECT_TRUE(shown.at("privacy").is_null());
        EXPECT_EQ(shown.at("state"), "published");
    }
}

TEST(UploadWire, writes_valid_json_for_non_utf8_text) {
    auto upload = created();
    upload.filename = std::string{"\xFF\xFE\0x", 4};
    upload.metadata = {{"k\xC3", "\x80"}};
    const auto shown = json::parse(upload_json(upload, ""));
    EXPECT_EQ(shown.at("filename").get<std::string>(), std::string("\xEF\xBF\xBD\xEF\xBF\xBD\0x", 8));
}

TEST(UploadWire, reports_observed_size_of_original_instead_of_declared) {
    auto upload = received();
    upload.pinned->size = std::nullopt;
    EXPECT_TRUE(json::parse(upload_json(upload, "")).at("size").is_null());
    upload.pinned->size = 0;
    EXPECT_EQ(json::parse(upload_json(upload, "")).at("size"), 0);
}

TEST(UploadCallbacks, prefers_upload_url_over_app_url_and_allows_none) {
    SeededRandom random{1};
    const RecipientOf lookup = [](const AppName& app, const ProfileName&,
                                  model::CallbackType type) -> std::optional<Recipient> {
        if (type == model::CallbackType::upload_expired) return std::nullopt;
        return Recipient{app.str() == "doorstep" ? "https://app.example/hook" : ""};
    };
    const UploadCallbacks composer{"https://img.example", random, lookup};
    const auto now = at("2026-11-20T12:35:01Z");

    auto upload = received();
    const auto first = composer.compose(model::CallbackType::upload_received, upload, now);
    ASSERT_TRUE(first);
    EXPECT_EQ(first->url, "https://app.example/hook");
    EXPECT_TRUE(parse_callback_id(first->id.str()));
    const auto body = json::parse(first->body);
    EXPECT_EQ(body.at("id"), first->id.str());
    EXPECT_EQ(body.at("type"), "upload.received");
    EXPECT_EQ(body.at("timestamp"), "2026-11-20T12:35:01.000Z");
    EXPECT_EQ(body.at("data").at("sequence"), 1);
    EXPECT_NE(composer.compose(model::CallbackType::upload_received, upload, now)->id, first->id);

    upload.callback_url = "https://other.example/x";
    EXPECT_EQ(composer.compose(model::CallbackType::upload_received, upload, now)->url,
              "https://other.example/x");
    EXPECT_FALSE(composer.compose(model::CallbackType::upload_expired, upload, now));

    upload.callback_url.reset();
    upload.app = AppName::trusted("silent");
    const auto pulled = composer.compose(model::CallbackType::upload_received, upload, now);
    ASSERT_TRUE(pulled) << "who has no URL pulls it";
    EXPECT_EQ(pulled->url, "");
}

TEST(UploadCallbacks, contains_no_credential_or_signed_url) {
    const auto body = callback_json(model::CallbackType::upload_published, CallbackId::trusted("msg_1"),
                                    at("2026-11-20T12:35:01Z"), published(), "");
    for (const char* marker : {"X-Amz", "Signature", "whsec_", "pg_", "Bearer"})
        EXPECT_EQ(body.find(marker), std::string::npos);
    EXPECT_LT(body.size(), 20'000U);
}

}  // namespace
}  // namespace photogate::notifier::callbacks
