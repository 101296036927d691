#include "model/object_layout.hpp"

#include <functional>
#include <vector>

#include <gtest/gtest.h>

namespace photogate::model {
namespace {

using Kind = ObjectRole::Kind;

constexpr std::string_view kSha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
constexpr std::string_view kSpec = "fedcba9876543210";
const Timestamp kNow = *parse_rfc3339("2026-11-20T12:34:56Z");
const UploadId kUpload = UploadId::trusted("upl_06f3k2m9x0a1b2c3d4e5f6g7h8");
const PackageId kPackage = PackageId::trusted("pkg_06f3k2m9x0a1b2c3d4e5f6g7h8");
const PublicId kPublic = PublicId::trusted("7h2k4m6n8p0q1r3s5t7v9w0x2y");

struct Produced {
    std::string_view what;
    std::string_view text;
    ObjectKey key;
    ObjectRole role;
};

std::vector<Produced> produced() {
    return {
        {"incoming",
         "u/202611201234/upl_06f3k2m9x0a1b2c3d4e5f6g7h8",
         incoming_key(kNow, kUpload),
         {Kind::incoming, kUpload, {}}},
        {"chunk",
         "r/upl_06f3k2m9x0a1b2c3d4e5f6g7h8/2/000000262144-17",
         chunk_key(kUpload, 2, 262'144, 17),
         {Kind::chunk, kUpload, {}}},
        {"published",
         "p/7h2k4m6n8p0q1r3s5t7v9w0x2y/0123456789abcdef.jpg",
         published_key(kPublic, kSha256, "jpg"),
         {Kind::published, {}, kPublic}},
        {"version",
         "v/7h2k4m6n8p0q1r3s5t7v9w0x2y/fedcba9876543210-0123456789abcdef.webp",
         version_key(kPublic, kSpec, kSha256, "webp"),
         {Kind::version, {}, kPublic}},
        {"package",
         "z/pkg_06f3k2m9x0a1b2c3d4e5f6g7h8.zip",
         package_key(kPackage),
         {Kind::package, {}, {}, kPackage}},
        {"original",
         "o/upl_06f3k2m9x0a1b2c3d4e5f6g7h8",
         original_key(kUpload),
         {Kind::original, kUpload, {}}},
        {"quarantined",
         "q/upl_06f3k2m9x0a1b2c3d4e5f6g7h8",
         quarantine_key(kUpload),
         {Kind::quarantined, kUpload, {}}},
        {"canary",
         "u/probe/k3j2/canary",
         ObjectKey::trusted(std::string{kCanaryPrefix} + "k3j2/canary"),
         {Kind::canary, {}, {}}},
    };
}

TEST(ObjectLayout, keys_have_the_documented_shape) {
    for (const auto& each : produced())
        EXPECT_EQ(each.key.str(), each.text) << each.what;
}

TEST(ObjectLayout, every_key_that_is_produced_classifies_to_its_role) {
    for (const auto& each : produced()) {
        const auto role = classify(each.key);
        ASSERT_TRUE(role) << each.what;
        EXPECT_EQ(*role, each.role) << each.what;
        EXPECT_EQ(to_string(role->kind), each.what);
    }
}

TEST(ObjectLayout, keys_of_random_ids_classify_to_their_role) {
    SeededRandom random{7};
    for (int i = 0; i < 1'000; ++i) {
        const auto at = kNow + std::chrono::minutes{random.below(1'000'000)};
        const auto upload = make_upload_id(at, random);
        const auto image = make_public_id(random);
        EXPECT_EQ(classify(incoming_key(at, upload)), (ObjectRole{Kind::incoming, upload, {}}));
        EXPECT_EQ(classify(original_key(upload)), (ObjectRole{Kind::original, upload, {}}));
        EXPECT_EQ(classify(quarantine_key(upload)), (ObjectRole{Kind::quarantined, upload, {}}));
        const auto package = make_package_id(at, random);
        EXPECT_EQ(classify(package_key(package)), (ObjectRole{Kind::package, {}, {}, package}));
        for (const char* extension : {"jpg", "png", "webp", "gif", "heic", "avif", "tif"}) {
            EXPECT_EQ(classify(published_key(image, kSha256, extension)),
                      (ObjectRole{Kind::published, {}, image}));
            EXPECT_EQ(classify(version_key(image, kSpec, kSha256, extension)),
                      (ObjectRole{Kind::version, {}, image}));
        }
    }
}

TEST(ObjectLayout, foreign_keys_have_no_role) {
    for (const std::string_view foreign : {
             "",
             "/",
             "u",
             "u/",
             "p/",
             "v/",
             "z/",
             "o/",
             "q/",
             "index.html",
             "u//",
             "u/probe",
             "U/PROBE/x/y",
             "x/7h2k4m6n8p0q1r3s5t7v9w0x2y/0123456789abcdef.jpg",
             "u/202611201234/",
             "u/202611201234/upl_06f3k2m9x0a1b2c3d4e5f6g7h8/x.jpg",
             "u/20261120123/upl_06f3k2m9x0a1b2c3d4e5f6g7h8",
             "u/x02611201234/upl_06f3k2m9x0a1b2c3d4e5f6g7h8",
             "u/202611201234/msg_06f3k2m9x0a1b2c3d4e5f6g7h8",
             "u/202611201234upl_06f3k2m9x0a1b2c3d4e5f6g7h8",
             "u/upl_06f3k2m9x0a1b2c3d4e5f6g7h8",
             "p/../secret",
             "p/short/0123456789abcdef.jpg",
             "p/7h2k4m6n8p0q1r3s5t7v9w0x2y/evil.html",
             "p/7h2k4m6n8p0q1r3s5t7v9w0x2y/0123456789abcdef",
             "p/7h2k4m6n8p0q1r3s5t7v9w0x2y/0123456789abcdef.",
             "p/7h2k4m6n8p0q1r3s5t7v9w0x2y/0123456789abcdef.j/g",
             "p/7h2k4m6n8p0q1r3s5t7v9w0x2y/0123456789abcdef.JPG",
             "p/7h2k4m6n8p0q1r3s5t7v9w0x2y/0123456789abcdef.ninechars",
             "p/7h2k4m6n8p0q1r3s5t7v9w0x2y/0123456789abcdeF.jpg",
             "p/7h2k4m6n8p0q1r3s5t7v9w0x2y/0123456789abcdef0.jpg",
             "p/7h2k4m6n8p0q1r3s5t7v9w0x2u/0123456789abcdef.jpg",  // 'u' is no digit of the ids' base32
             "p/7h2k4m6n8p0q1r3s5t7v9w0x2y/fedcba9876543210-0123456789abcdef.webp",
             "v/7h2k4m6n8p0q1r3s5t7v9w0x2y/0123456789abcdef.jpg",
             "v/7h2k4m6n8p0q1r3s5t7v9w0x2y/fedcba9876543210-.webp",
             "z/7h2k4m6n8p0q1r3s5t7v9w0x2y",
             "z/7h2k4m6n8p0q1r3s5t7v9w0x2y.zip.exe",
             "z/7h2k4m6n8p0q1r3s5t7v9w0x2y/a.zip",
             "o/upl_06f3k2m9x0a1b2c3d4e5f6g7h8.jpg",
             "o/7h2k4m6n8p0q1r3s5t7v9w0x2y",
             "q/upl_short",
         }) {
        EXPECT_EQ(classify(ObjectKey::trusted(std::string{foreign})), std::nullopt) << foreign;
    }
}

/// Whatever is cut from a name, put into it or changed in it is either foreign or the very name that its role
/// would produce.
TEST(ObjectLayout, a_changed_key_is_foreign_or_another_key_of_the_same_shape) {
    SeededRandom random{11};
    constexpr std::string_view kAlphabet = "/.-_ aZ09f%\0u";
    for (const auto& each : produced()) {
        if (each.role.kind == Kind::canary) continue;  // all below its prefix are
        for (int i = 0; i < 2'000; ++i) {
            std::string text = each.key.str();
            const auto at = static_cast<std::size_t>(random.below(text.size()));
            const char other = kAlphabet[static_cast<std::size_t>(random.below(kAlphabet.size()))];
            switch (random.below(3)) {
                case 0:
                    text.erase(at, 1);
                    break;
                case 1:
                    text.insert(at, 1, other);
                    break;
                default:
                    text[at] = other;
                    break;
            }
            const auto role = classify(ObjectKey::trusted(text));
            if (!role || role->kind == Kind::canary) continue;
            // An extension may have any length up to eight, and numbers of a chunk as many digits as they need; every other part is
            // of one length.
            const bool varies =
                role->kind == Kind::published || role->kind == Kind::version || role->kind == Kind::chunk;
            if (!varies) {
                EXPECT_EQ(text.size(), each.key.str().size()) << text;
            }
            const std::string id = role->upload      ? role->upload->str()
                                   : role->public_id ? role->public_id->str()
                                                     : role->package_id->str();
            EXPECT_NE(text.find(id), std::string::npos) << text;
            EXPECT_EQ(text.find_first_of(std::string_view{" %\0Z", 4}), std::string::npos) << text;
        }
    }
}

TEST(ObjectLayout, random_bytes_have_no_role) {
    SeededRandom random{13};
    for (int i = 0; i < 10'000; ++i) {
        std::string text = std::string(1, "upvzoq"[random.below(6)]) + "/";
        const auto length = random.below(64);
        for (std::uint64_t at = 0; at < length; ++at)
            text += static_cast<char>(random.below(256));
        EXPECT_EQ(classify(ObjectKey::trusted(text)), std::nullopt) << text;
    }
}

TEST(ObjectLayout, recognises_minute_prefixes) {
    EXPECT_EQ(incoming_minute_prefix(kNow), "u/202611201234/");
    EXPECT_TRUE(is_incoming_minute_prefix("u/202611201234/"));
    for (const std::string_view other : {"", "u/", "u/202611201234", "u/20261120123/", "u/2026112012345/",
                                         "p/202611201234/", "u/20261120123x/", "u/202611201234//"})
        EXPECT_FALSE(is_incoming_minute_prefix(other)) << other;
}

}  // namespace
}  // namespace photogate::model
