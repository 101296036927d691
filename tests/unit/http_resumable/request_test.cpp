#include "http/resumable/request.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/ascii.hpp"

namespace photogate::http::resumable {
namespace {

using Fields = std::vector<semantics::HeaderField>;
using Target = Message::Target;
using Why = Refusal::Why;

struct Given {
    std::string method;
    Fields fields = {};
    std::optional<std::uint64_t> content = std::nullopt;
    Target target = Target::upload;
    bool chunked = false;
};

ReadRequest read(const Given& given) {
    const auto views = semantics::views_of(given.fields);
    return read_request({given.method, given.target, given.content || given.chunked, given.content, views});
}

Asked asked(const Given& given) {
    auto found = read(given);
    EXPECT_FALSE(found.refusal) << (found.refusal ? found.refusal->detail : "");
    return found.asked;
}

std::optional<Why> why(const Given& given) {
    const auto found = read(given);
    return found.refusal ? std::optional{found.refusal->why} : std::nullopt;
}

const semantics::HeaderField kTus{"Tus-Resumable", "1.0.0"};
const semantics::HeaderField kTusType{"Content-Type", "application/offset+octet-stream"};
const semantics::HeaderField kPartial{"Content-Type", "application/partial-upload"};

semantics::HeaderField interop(int version) {
    return {"Upload-Draft-Interop-Version", std::to_string(version)};
}

// ---- tus ----

TEST(TusRequest, options_need_no_version) {
    EXPECT_EQ(asked({"OPTIONS"}).verb, Verb::options);
    EXPECT_EQ(asked({"OPTIONS", {{"Tus-Resumable", "0.2.2"}}}).verb, Verb::options);
}

TEST(TusRequest, other_version_is_refused) {
    for (const auto* method : {"POST", "PATCH", "DELETE", "HEAD"})
        EXPECT_EQ(why({method, {{"Tus-Resumable", "0.2.2"}}}), Why::wrong_version) << method;
    EXPECT_EQ(why({"PATCH", {kTusType, {"Upload-Offset", "0"}}}), Why::wrong_version);
    EXPECT_EQ(why({"POST", {{"Upload-Length", "5"}}, {}, Target::place}), Why::wrong_version);
}

TEST(TusRequest, creation_has_length_and_metadata) {
    const auto made = asked(
        {"POST", {kTus, {"Upload-Length", "7"}, {"Upload-Metadata", "filename YQ=="}}, {}, Target::place});
    EXPECT_EQ(made.verb, Verb::create);
    EXPECT_EQ(made.length, 7U);
    EXPECT_EQ(made.metadata, "filename YQ==");
    EXPECT_FALSE(made.carries);
    EXPECT_TRUE(asked({"POST", {kTus, kTusType, {"Upload-Length", "7"}}, 7, Target::place}).carries);
    EXPECT_FALSE(
        asked({"POST", {kTus, {"Content-Type", "text/plain"}, {"Upload-Length", "7"}}, 7, Target::place})
            .carries);
    EXPECT_EQ(asked({"POST", {kTus, {"Upload-Length", "0"}}, {}, Target::place}).length, 0U);
}

TEST(TusRequest, creation_without_usable_length_is_refused) {
    for (const auto* length : {"-1", "x", "", "1.5", "99999999999999999999999"})
        EXPECT_EQ(why({"POST", {kTus, {"Upload-Length", length}}, {}, Target::place}), Why::bad_request)
            << length;
    EXPECT_EQ(why({"POST", {kTus}, {}, Target::place}), Why::bad_request);
    EXPECT_EQ(why({"POST", {kTus, {"Upload-Defer-Length", "1"}}, {}, Target::place}), Why::bad_request);
    EXPECT_EQ(why({"POST", {kTus, {"Upload-Length", "1"}, {"Upload-Concat", "partial"}}, {}, Target::place}),
              Why::bad_request);
    EXPECT_EQ(why({"POST", {kTus, {"Upload-Length", "1"}, {"Upload-Metadata", "a b c"}}, {}, Target::place}),
              Why::bad_request);
    EXPECT_EQ(why({"POST", {kTus, {"Upload-Length", "1"}}}), Why::wrong_method);
}

TEST(TusRequest, append_has_type_and_offset) {
    const auto append = asked({"PATCH", {kTus, kTusType, {"Upload-Offset", "42"}}, 8});
    EXPECT_EQ(append.verb, Verb::append);
    EXPECT_EQ(append.offset, 42U);
    EXPECT_TRUE(append.carries);
    EXPECT_FALSE(append.ends);
    EXPECT_EQ(asked({.method = "PATCH", .fields = {kTus, kTusType, {"Upload-Offset", "0"}}, .chunked = true})
                  .offset,
              0U);
    EXPECT_EQ(why({"PATCH", {kTus, {"Upload-Offset", "0"}}, 8}), Why::wrong_type);
    EXPECT_EQ(why({"PATCH", {kTus, kTusType}, 8}), Why::bad_request);
    EXPECT_EQ(why({"PATCH", {kTus, kTusType, {"Upload-Offset", "-1"}}, 8}), Why::bad_request);
}

TEST(TusRequest, method_may_be_overridden_in_post) {
    const semantics::HeaderField patch{"X-HTTP-Method-Override", "PATCH"};
    EXPECT_EQ(asked({"POST", {kTus, kTusType, patch, {"Upload-Offset", "3"}}, 8}).offset, 3U);
    EXPECT_EQ(asked({"POST", {kTus, {"X-HTTP-Method-Override", "DELETE"}}}).verb, Verb::cancel);
    EXPECT_EQ(asked({"POST", {kTus, {"X-HTTP-Method-Override", "HEAD"}}}).verb, Verb::offset);
}

TEST(TusRequest, checksum_is_of_known_algorithm_and_size) {
    const auto with = [](const char* text) {
        return Given{"PATCH", {kTus, kTusType, {"Upload-Offset", "0"}, {"Upload-Checksum", text}}, 5};
    };
    EXPECT_EQ(asked(with("sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=")).digest->algorithm, DigestAlgorithm::sha1);
    EXPECT_EQ(asked(with("md5 XrY7u+Ae7tCTyyK7j1rNww==")).digest->algorithm, DigestAlgorithm::md5);
    for (const auto* text : {"crc32 AAAAAA==", "sha1", "sha1 ", "sha1 AAAA", "sha1 ???"})
        EXPECT_EQ(why(with(text)), Why::bad_request) << text;
}

TEST(TusRequest, field_that_stands_twice_is_refused) {
    for (const auto* name :
         {"Tus-Resumable", "Content-Type", "Upload-Offset", "upload-length", "Upload-Checksum"}) {
        Fields fields{kTus,
                      kTusType,
                      {"Upload-Offset", "1"},
                      {"Upload-Length", "9"},
                      {"Upload-Checksum", "md5 XrY7u+Ae7tCTyyK7j1rNww=="}};
        ASSERT_FALSE(why({"PATCH", fields, 2}));
        const auto same = std::find_if(fields.begin(), fields.end(), [&](const auto& each) {
            return ascii::equals_ignoring_case(each.name, name);
        });
        fields.push_back({name, same->value});
        EXPECT_EQ(why({"PATCH", fields, 2}), Why::bad_request) << name;
    }
    const semantics::HeaderField patch{"X-HTTP-Method-Override", "PATCH"};
    EXPECT_EQ(why({"POST", {kTus, {"X-HTTP-Method-Override", "DELETE"}, patch}}), Why::bad_request);
}

TEST(TusRequest, beats_the_draft) {
    EXPECT_EQ(
        asked({"PATCH", {interop(6), kTus, kTusType, {"Upload-Offset", "1"}, {"Upload-Complete", "?1"}}, 2})
            .dialect,
        (Dialect{Protocol::tus, 0}));
}

// ---- the draft ----

class DraftRequest : public testing::TestWithParam<int> {
  protected:
    Given with(std::string method, Fields fields, std::optional<std::uint64_t> content = std::nullopt) const {
        fields.push_back(interop(GetParam()));
        return {std::move(method), std::move(fields), content};
    }
    semantics::HeaderField complete(bool is) const {
        if (GetParam() == 3) return {"Upload-Incomplete", is ? "?0" : "?1"};
        return {"Upload-Complete", is ? "?1" : "?0"};
    }
};
INSTANTIATE_TEST_SUITE_P(Versions, DraftRequest, testing::Values(3, 5, 6, 8));

TEST_P(DraftRequest, creation_of_all_bytes_tells_the_length) {
    for (const auto* method : {"POST", "PUT"}) {
        const auto made = asked(with(method, {complete(true)}, 9));
        EXPECT_EQ(made.verb, Verb::create);
        EXPECT_TRUE(made.ends);
        EXPECT_TRUE(made.carries);
        EXPECT_EQ(made.length, 9U);
        EXPECT_EQ(made.dialect, (Dialect{Protocol::draft, static_cast<std::uint32_t>(GetParam())}));
    }
}

TEST_P(DraftRequest, careful_creation_leaves_it_open) {
    const auto made = asked(with("POST", {complete(false), {"Upload-Length", "100"}}, 0));
    EXPECT_FALSE(made.ends);
    EXPECT_EQ(made.length, 100U);
    EXPECT_EQ(asked(with("POST", {complete(false)}, 0)).length, std::nullopt);
}

TEST_P(DraftRequest, lengths_that_disagree_are_refused) {
    EXPECT_EQ(why(with("POST", {complete(true), {"Upload-Length", "8"}}, 9)), Why::inconsistent_length);
    EXPECT_EQ(
        why(with("PATCH", {kPartial, complete(true), {"Upload-Offset", "5"}, {"Upload-Length", "13"}}, 9)),
        Why::inconsistent_length);
}

TEST_P(DraftRequest, append_has_offset_and_completeness) {
    const auto last = asked(with("PATCH", {kPartial, complete(true), {"Upload-Offset", "5"}}, 9));
    EXPECT_EQ(last.offset, 5U);
    EXPECT_EQ(last.length, 14U);
    EXPECT_TRUE(last.ends);
    EXPECT_FALSE(asked(with("PATCH", {kPartial, complete(false), {"Upload-Offset", "5"}}, 9)).ends);
    EXPECT_EQ(why(with("PATCH", {kPartial, complete(true)}, 9)), Why::bad_request);
    EXPECT_EQ(why(with("PATCH", {kPartial, complete(true), {"Upload-Offset", "-5"}}, 9)), Why::bad_request);
    const auto other =
        with("PATCH", {complete(true), {"Content-Type", "image/jpeg"}, {"Upload-Offset", "5"}}, 9);
    EXPECT_EQ(why(other), GetParam() >= 6 ? std::optional{Why::wrong_type} : std::nullopt);
}

TEST_P(DraftRequest, look_with_upload_fields_is_refused_up_to_interop_6) {
    EXPECT_EQ(asked(with("HEAD", {})).verb, Verb::offset);
    EXPECT_EQ(why(with("HEAD", {{"Upload-Offset", "0"}})),
              GetParam() <= 6 ? std::optional{Why::bad_request} : std::nullopt);
}

TEST_P(DraftRequest, digests_are_read) {
    const std::string digest = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:";
    const auto append = asked(with("PATCH",
                                   {kPartial,
                                    complete(true),
                                    {"Upload-Offset", "0"},
                                    {"Content-Digest", digest},
                                    {"Repr-Digest", digest}},
                                   0));
    ASSERT_TRUE(append.digest);
    EXPECT_EQ(append.digest->value, append.whole_sha256);
    EXPECT_EQ(asked(with("DELETE", {})).verb, Verb::cancel);
}

TEST_P(DraftRequest, digest_of_the_content_may_be_sha_512_and_unknown_ones_are_passed_over) {
    const auto digest_of = [&](const std::string& field) {
        return asked(with("PATCH",
                          {kPartial, complete(true), {"Upload-Offset", "0"}, {"Content-Digest", field}}, 0))
            .digest;
    };
    const std::string long_one = "sha-512=:" + base64(Bytes(64, 7)) + ":",
                      short_one = "sha-256=:" + base64(Bytes(32, 7)) + ":";
    EXPECT_EQ(digest_of(long_one)->algorithm, DigestAlgorithm::sha512);
    EXPECT_EQ(digest_of(long_one + ", " + short_one)->algorithm, DigestAlgorithm::sha256);
    for (const auto& field :
         {std::string{"md5=:AAAA:"}, "sha-512=:" + base64(Bytes(32, 7)) + ":", std::string{"sha-256=47DE"}})
        EXPECT_FALSE(digest_of(field)) << field;
}

TEST(DraftRequestAlone, completeness_is_obligatory_since_interop_8) {
    EXPECT_EQ(why({"PATCH", {interop(8), kPartial, {"Upload-Offset", "0"}}, 3}), Why::bad_request);
    EXPECT_FALSE(asked({"PATCH", {interop(6), kPartial, {"Upload-Offset", "0"}}, 3}).ends);
}

TEST(DraftRequestAlone, version_that_is_not_spoken_makes_a_plain_upload) {
    for (int version : {2, 4, 7, 9, 100}) {
        const auto made = asked({"PUT", {interop(version), {"Upload-Complete", "?1"}}, 3});
        EXPECT_EQ(made.dialect, Dialect{}) << version;
        EXPECT_TRUE(made.ends);
        EXPECT_EQ(made.length, 3U);
    }
    EXPECT_EQ(why({"PATCH", {interop(7), kPartial, {"Upload-Offset", "0"}}, 3}), Why::wrong_version);
}

TEST(PlainRequest, whole_file_of_no_bytes_is_refused) {
    EXPECT_EQ(why({"PUT", {}, 0}), Why::bad_request);
    EXPECT_EQ(why({"PUT"}), Why::bad_request);
    EXPECT_EQ(why({"POST", {interop(6), {"Upload-Complete", "?1"}}, 0}), Why::bad_request);
}

TEST(PlainRequest, is_a_whole_file_or_a_look) {
    const auto put = asked({"PUT", {}, 12});
    EXPECT_TRUE(put.ends && put.carries);
    EXPECT_EQ(put.length, 12U);
    EXPECT_EQ(asked({.method = "PUT", .chunked = true}).length, std::nullopt);
    EXPECT_EQ(asked({"HEAD"}).verb, Verb::offset);
    EXPECT_EQ(why({"GET"}), Why::wrong_version);
}

}  // namespace
}  // namespace photogate::http::resumable
