#include "notifier/gates/question.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace photogate::notifier::gates {
namespace {

using nlohmann::json;

const Timestamp kNow = *parse_rfc3339("2026-11-20T12:34:56.789Z");

model::Upload upload() {
    model::Upload upload;
    upload.id = UploadId::trusted("upl_06f3y8m2c4t6v8x0z2b4d6f8h0");
    upload.public_id = PublicId::trusted("7h2k4m6n8p0q2r4s6t8v0w2x4y");
    upload.app = AppName::trusted("shop");
    upload.profile = ProfileName::trusted("photos");
    upload.filename = "a \"b\".jpg";
    upload.declared_type = "image/jpeg";
    upload.metadata = {{"order", "A-1"}};
    upload.created_at = kNow;
    upload.expires_at = kNow;
    return upload;
}

TEST(Question, before_a_grant_has_what_is_asked_for) {
    auto planned = upload();
    planned.declared_size = 1'234;
    planned.client_token = "tok_1";
    const auto question = grant_question(planned, "", {"https://photos.example"}, kNow);
    EXPECT_EQ(question.id, "grant_upl_06f3y8m2c4t6v8x0z2b4d6f8h0");
    const auto body = json::parse(question.body);
    EXPECT_EQ(body["type"], "before_grant");
    EXPECT_EQ(body["id"], question.id);
    EXPECT_EQ(body["timestamp"], "2026-11-20T12:34:56.789Z");
    EXPECT_EQ(body["app"], "shop");
    EXPECT_EQ(body["client_token"], "tok_1");
    EXPECT_EQ(body["declared"], json({{"size", 1'234}, {"content_type", "image/jpeg"}, {"sha256", nullptr}}));
    EXPECT_EQ(body["data"]["id"], planned.id.str());
    EXPECT_EQ(body["data"]["filename"], "a \"b\".jpg");
    EXPECT_EQ(body["data"]["metadata"]["order"], "A-1");
    EXPECT_FALSE(body["data"].contains("upload")) << "no URL is signed for it yet";
}

TEST(Question, has_the_trace_of_its_upload) {
    auto traced = upload();
    traced.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    traced.tracestate = "rojo=1";
    for (const auto& question :
         {grant_question(traced, "", {}, kNow), publish_question(traced, {}, std::nullopt, {}, kNow)}) {
        EXPECT_EQ(question.upload, traced.id.str());
        EXPECT_EQ(question.traceparent, traced.traceparent);
        EXPECT_EQ(question.tracestate, traced.tracestate);
    }
}

TEST(Question, of_a_repeated_request_has_the_id_of_the_first) {
    auto first = upload();
    auto second = upload();
    second.id = UploadId::trusted("upl_16f3y8m2c4t6v8x0z2b4d6f8h0");
    const auto id = [](const model::Upload& of, const char* key) {
        return grant_question(of, key, {}, kNow).id;
    };
    EXPECT_EQ(id(first, "order-1"), id(second, "order-1"));
    EXPECT_NE(id(first, "order-1"), id(first, "order-2"));
    EXPECT_NE(id(first, ""), id(second, ""));
    second.app = AppName::trusted("other");
    EXPECT_NE(id(first, "order-1"), id(second, "order-1"));
}

TEST(Question, before_a_publication_has_the_facts_of_the_original_and_of_the_picture) {
    auto proven = upload();
    proven.state = model::UploadState::processing;
    proven.generation = 2;
    proven.facts = model::OriginalFacts{};
    proven.facts->content_type = "image/heic";
    proven.facts->size = 99;
    proven.facts->width = 4'000;
    proven.facts->exif_json = R"({"make": "Canon"})";
    const auto question = publish_question(proven, {"jpeg", 2'000, 1'500, 77, "ab"}, std::nullopt, {}, kNow);
    EXPECT_EQ(question.id, "publish_upl_06f3y8m2c4t6v8x0z2b4d6f8h0_2") << "another file is another question";
    const auto body = json::parse(question.body);
    EXPECT_EQ(body["type"], "before_publish");
    EXPECT_EQ(
        body["picture"],
        json({{"format", "jpeg"}, {"width", 2'000}, {"height", 1'500}, {"size", 77}, {"sha256", "ab"}}));
    EXPECT_EQ(body["data"]["state"], "processing");
    EXPECT_EQ(body["data"]["content_type"], "image/heic");
    EXPECT_EQ(body["data"]["exif"]["make"], "Canon");
    EXPECT_EQ(body["data"]["image"], nullptr);
    EXPECT_EQ(body.at("original"), nullptr);
    const auto linked =
        publish_question(proven, {"jpeg", 2'000, 1'500, 77, "ab"},
                         OriginalLink{"https://store.example/u/a?X-Amz-Signature=1", kNow}, {}, kNow);
    EXPECT_EQ(linked.id, question.id) << "a link is no part of what is asked";
    EXPECT_EQ(json::parse(linked.body)["original"],
              json({{"url", "https://store.example/u/a?X-Amz-Signature=1"},
                    {"expires_at", "2026-11-20T12:34:56.789Z"}}));
}

}  // namespace
}  // namespace photogate::notifier::gates
