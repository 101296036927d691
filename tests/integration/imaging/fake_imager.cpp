// A worker process that was taken over: it speaks the supervisor's protocol and lies. What it does is chosen by its
// second argument, which a true worker process takes for its ceiling on memory.
#include "fake_imager.hpp"

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>

#include <sys/file.h>
#include <unistd.h>

#include "imaging/channel.hpp"
#include "imaging/imager_wire.hpp"

namespace {

using namespace photogate;
using namespace photogate::imaging;
using testing::Lie;
using namespace std::chrono_literals;

void raw(const std::string& bytes) {
    std::size_t at = 0;
    while (at < bytes.size()) {
        const ssize_t written = ::write(STDIN_FILENO, bytes.data() + at, bytes.size() - at);
        if (written <= 0) ::_exit(0);
        at += static_cast<std::size_t>(written);
    }
}

std::string little_endian(std::uint64_t number, int bytes) {
    std::string text;
    for (int i = 0; i < bytes; ++i)
        text.push_back(static_cast<char>(number >> (8 * i)));
    return text;
}

std::string head(std::uint64_t header, std::uint64_t body) {
    return "PGI1" + little_endian(header, 4) + little_endian(body, 8);
}

void frame(const std::string& header, const std::string& body = {}) {
    raw(head(header.size(), body.size()) + header + body);
}

constexpr const char* kPage = "<!DOCTYPE html><script>alert(1)</script>";
/// Begins as a JPEG does, which is all that the supervisor looks at.
constexpr const char* kPicture = "\xFF\xD8\xFFpicture";

/// A sound answer, to be spoilt.
std::string answer(const std::string& picture = kPicture) {
    return R"({"processed":{"pictures":[{"format":"jpeg","width":1,"height":1,"alpha":false,"size":)" +
           std::to_string(picture.size()) +
           R"(}],"original_format":"jpeg","width":1,"height":1,"frames":1,"facts":)"
           R"({"exif":"{}","privacy":"{}","thumb_hash":"AAAA","perceptual_hash":"0011223344556677",)"
           R"("dominant_color":"#336699"}}})";
}

std::string with(std::string from, const std::string& to) {
    std::string text = answer();
    const auto at = text.find(from);
    if (at == std::string::npos) std::abort();
    return text.replace(at, from.size(), to);
}

void lie(Lie what, int file) {
    switch (what) {
        case Lie::none:
        case Lie::sandbox:
        case Lie::silent_about_its_jail:
            return frame(answer(), kPicture);
        case Lie::garbage:
            return raw(std::string(4096, '\xA5'));
        case Lie::huge_header:
            return raw(head(0xFFFFFFFFU, 0) + "{}");
        case Lie::huge_body:
            return raw(head(answer().size(), ~0ULL) + answer());
        case Lie::endless_body: {
            const std::string header = with("\"size\":10", "\"size\":1048576");
            raw(head(header.size(), 1U << 20) + header + kPicture);
            for (;;)
                raw(std::string(4096, 'x'));
        }
        case Lie::announced_but_not_sent: {
            raw(head(answer().size(), 1U << 20) + answer());
            ::pause();
            return;
        }
        case Lie::no_json:
            return frame("{\"processed\":", kPicture);
        case Lie::invalid_utf8:
            return frame(with("\"thumb_hash\":\"AAAA\"", "\"thumb_hash\":\"\xFF\xFE\""), kPicture);
        case Lie::too_deep:
            return frame(std::string(100'000, '['));
        case Lie::deep_exif:
            return frame(with("\"exif\":\"{}\"", "\"exif\":\"" + std::string(1000, '[') + "\""), kPicture);
        case Lie::exif_is_no_object:
            return frame(with("\"exif\":\"{}\"", "\"exif\":\"42\""), kPicture);
        case Lie::unknown_format:
            return frame(with("\"format\":\"jpeg\"", "\"format\":\"svg\""), kPicture);
        case Lie::negative_width:
            return frame(with("\"width\":1", "\"width\":-1"), kPicture);
        case Lie::page_for_a_picture:
            return frame(answer(kPage), kPage);
        case Lie::no_picture:
            return frame(answer());
        case Lie::unknown_rejection:
            return frame(R"({"rejected":{"code":"nonsense","detail":""}})");
        case Lie::foreign_error:
            return frame(R"({"failed":{"code":"store_denied","detail":""}})");
        case Lie::dies:
            ::_exit(3);
        case Lie::hangs:
            ::pause();
            return;
        case Lie::takes_a_while:
            ::usleep(200'000);
            return frame(answer(), kPicture);
        case Lie::waits_for_its_file:
            if (::flock(file, LOCK_SH) != 0) ::_exit(4);
            return frame(answer(), kPicture);
        case Lie::works_now_and_then: {
            using Clock = std::chrono::steady_clock;
            for (const auto end = Clock::now() + 2s; Clock::now() < end; ::usleep(18'000)) {
                for (const auto pause = Clock::now() + 2ms; Clock::now() < pause;) {
                }
            }
            return frame(answer(), kPicture);
        }
        case Lie::two_pictures: {
            const std::string one = R"({"format":"jpeg","width":1,"height":1,"size":10})";
            return frame(with("[{", "[" + one + ",{"), std::string(kPicture) + kPicture);
        }
        case Lie::picture_of_more_bytes:
            return frame(with("\"size\":10", "\"size\":11"), kPicture);
        case Lie::bytes_of_no_picture:
            return frame(answer(), std::string(kPicture) + "more");
        case Lie::babbles: {
            const std::string line(1000, 'w');
            for (int i = 0; i < 1000; ++i)
                (void)!::write(STDERR_FILENO, line.data(), line.size());
            return frame(answer(), kPicture);
        }
        case Lie::not_ready:
        case Lie::dies_first:
        case Lie::greets_with_garbage:
            return;
    }
}

std::string hello(Lie what) {
    if (what == Lie::not_ready)
        return write_hello(fail(ErrorCode::imager_unavailable, "no decoder for HEIC"));
    if (what == Lie::silent_about_its_jail) return R"({"ready":true})";
    JailReport jail{.opening_files = Attempt::failed,
                    .making_sockets = Attempt::failed,
                    .starting_programs = Attempt::failed,
                    .landlock = 2,
                    .missing = {}};
    if (what == Lie::sandbox) jail.making_sockets = Attempt::succeeded;
    return write_hello(jail);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) return 64;
    const auto what = static_cast<Lie>(std::stoull(argv[2]));
    if (what == Lie::dies_first) return 7;
    if (what == Lie::greets_with_garbage) {
        raw(std::string(64, '?'));
        return 0;
    }
    Channel channel{Descriptor(::dup(STDIN_FILENO))};
    (void)channel.send(hello(what), {}, -1, std::nullopt);
    while (auto order = channel.receive({kMaxTaskHeader, 0}, std::nullopt))
        lie(what, order->descriptor.get());
    return 0;
}
