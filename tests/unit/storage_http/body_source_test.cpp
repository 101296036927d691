#include "storage/http/body_source.hpp"

#include <cstdlib>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/support/fault_server.hpp"

namespace photogate::storage::http {
namespace {

std::string all_of(const BodySource& source, std::size_t step) {
    std::string out;
    std::vector<std::uint8_t> buffer(step);
    while (const auto got = source.read(out.size(), buffer)) {
        if (*got == 0) return out;
        out.append(as_text({buffer.data(), *got}));
    }
    return "unreadable";
}

class TemporaryFile {
  public:
    explicit TemporaryFile(std::string_view content) {
        char name[] = "/tmp/photogate-body-XXXXXX";
        descriptor_ = ::mkstemp(name);
        path_ = name;
        if (::write(descriptor_, content.data(), content.size()) != static_cast<ssize_t>(content.size()))
            std::abort();
    }
    ~TemporaryFile() {
        ::close(descriptor_);
        ::unlink(path_.c_str());
    }
    int descriptor() const { return descriptor_; }
    const std::string& path() const { return path_; }

  private:
    int descriptor_;
    std::string path_;
};

TEST(BodySource, reads_memory_and_file_identically_at_any_offset) {
    const std::string text = "the quick brown fox";
    const TemporaryFile file{text};
    const MemorySource memory{std::string_view{text}};
    auto opened = FileSource::open(file.path());
    auto duplicated = FileSource::duplicate(file.descriptor());
    ASSERT_TRUE(opened && duplicated);
    for (const BodySource* source :
         {static_cast<const BodySource*>(&memory), static_cast<const BodySource*>(&*opened),
          static_cast<const BodySource*>(&*duplicated)}) {
        EXPECT_EQ(source->size(), text.size());
        EXPECT_EQ(all_of(*source, 4), text);
        EXPECT_EQ(all_of(*source, 100), text);
        std::uint8_t byte[1];
        EXPECT_EQ(source->read(4, byte), 1U);
        EXPECT_EQ(byte[0], 'q');
        EXPECT_EQ(source->read(1'000, byte), 0U);
    }
}

TEST(BodySource, ends_slice_at_its_end) {
    const MemorySource whole{std::string_view{"0123456789"}};
    EXPECT_EQ(all_of(SliceSource(whole, 2, 5), 3), "23456");
    EXPECT_EQ(all_of(SliceSource(whole, 8, 100), 3), "89");
    EXPECT_EQ(SliceSource(whole, 100, 5).size(), 0U);
    EXPECT_EQ(SliceSource(whole, 2, ~std::uint64_t{0}).size(), 8U);
}

TEST(BodySource, rejects_non_file) {
    EXPECT_EQ(FileSource::open("/nowhere/at/all").error().code, ErrorCode::file_error);
    EXPECT_EQ(FileSource::open("/tmp").error().code, ErrorCode::file_error);
    EXPECT_EQ(FileSource::open("/dev/zero").error().code, ErrorCode::file_error);
    EXPECT_EQ(FileSource::duplicate(-1).error().code, ErrorCode::file_error);
}

TEST(BodySource, fails_when_a_file_shrinks) {
    test::FaultServer server{{test::answer(200, "")}};
    const TemporaryFile file{std::string(300'000, 'x')};
    const auto source = FileSource::open(file.path());
    ASSERT_TRUE(source);
    ASSERT_EQ(::ftruncate(file.descriptor(), 10), 0);
    HttpClient client{{}};
    Request request;
    request.method = "PUT";
    request.url = server.url() + "/";
    request.source = &*source;
    const auto response = client.send(request);
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, ErrorCode::file_error);
}

}  // namespace
}  // namespace photogate::storage::http
