#include "client/upload_files.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <ostream>
#include <string>
#include <thread>

#include <fmt/format.h>

#include "base/json/writer.hpp"
#include "client/print.hpp"

namespace photogate::client {
namespace {

using namespace std::chrono_literals;

std::uint64_t size_of(const std::filesystem::path& file) {
    std::error_code unknown;
    const auto size = std::filesystem::file_size(file, unknown);
    return unknown ? 0 : size;
}

/// The lines of both streams: results as they come, and one line of progress below them.
class Board {
  public:
    Board(const UploadFiles& what, const Output& output) : what_(what), output_(output) {
        for (const auto& file : what.files) {
            sent_.emplace_back(0);
            total_ += size_of(file);
        }
    }

    std::atomic<std::uint64_t>& sent(std::size_t number) { return sent_[number]; }

    void ended(const std::string& line, const Outcome& outcome) {
        const std::lock_guard lock{mutex_};
        clear();
        (outcome && output_.format == Format::people ? output_.err : output_.out) << line << '\n'
                                                                                  << std::flush;
        if (outcome && !outcome_) outcome_ = outcome;
        ++ended_;
        draw();
    }

    void draw_now() {
        const std::lock_guard lock{mutex_};
        draw();
    }

    Outcome finish() {
        const std::lock_guard lock{mutex_};
        clear();
        output_.err << std::flush;
        return outcome_;
    }

  private:
    void clear() {
        if (std::exchange(drawn_, false)) output_.err << "\r\033[K" << std::flush;
    }

    void draw() {
        if (what_.progress == Progress::hidden || ended_ == what_.files.size()) return;
        std::uint64_t sent = 0;
        for (const auto& each : sent_)
            sent += each;
        const auto seconds =
            std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
        const auto rate = seconds > 0.5 ? static_cast<std::int64_t>(static_cast<double>(sent) / seconds) : 0;
        output_.err << fmt::format("\r\033[K{} of {} files, {} of {} ({} %), {}/s", ended_,
                                   what_.files.size(), size_text(static_cast<std::int64_t>(sent)),
                                   size_text(static_cast<std::int64_t>(total_)),
                                   total_ > 0 ? std::min<std::uint64_t>(100, sent * 100 / total_) : 0,
                                   size_text(rate))
                    << std::flush;
        drawn_ = true;
    }

    const UploadFiles& what_;
    const Output& output_;
    std::deque<std::atomic<std::uint64_t>> sent_;
    std::uint64_t total_ = 0;
    const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
    std::mutex mutex_;
    std::size_t ended_ = 0;
    bool drawn_ = false;
    Outcome outcome_;
};

std::string json_line(const std::filesystem::path& file, const UploadedFile& uploaded, const Error* error) {
    json::Writer line;
    line.begin_object();
    const auto member = [&](const char* name, const std::string& value) {
        line.any_name(name);
        value.empty() ? line.null() : line.text(value);
    };
    member("file", file.string());
    member("id", uploaded.id);
    member("state", uploaded.state);
    member("url", uploaded.image_url);
    member("error", error != nullptr ? error->detail : uploaded.why);
    line.end_object();
    return line.take();
}

/// The line of one file, and how it went.
std::pair<std::string, Outcome> told(const std::filesystem::path& file, const Result<UploadedFile>& result,
                                     const FileUpload& upload, const UploadFiles& what, Format format) {
    const auto name = printable(file.string());
    if (!result) {
        const auto id = upload.id().empty() ? std::string{} : upload.id() + ": ";
        auto line = format == Format::json
                        ? json_line(file, {upload.id(), {}, {}, {}}, &result.error())
                        : fmt::format("photogate: {}: {}{}", name, id, printable(result.error().detail));
        return {std::move(line), result.error().code};
    }
    const bool well =
        result->state == "published" ||
        (what.sending.until == Until::sent && result->why.empty() &&
         (result->state == "created" || result->state == "uploaded" || result->state == "processing"));
    const Outcome outcome = well ? Outcome{} : Outcome{ErrorCode::state_conflict};
    if (format == Format::json) return {json_line(file, *result, nullptr), outcome};
    auto line = fmt::format("{}{}  {}  {}", well ? "" : "photogate: ", name, result->id, result->state);
    if (const auto& last = result->image_url.empty() ? result->why : result->image_url; !last.empty())
        line += "  " + printable(last);
    return {std::move(line), outcome};
}

}  // namespace

Outcome upload_files(const GatewayApi& api, const UploadFiles& what, Random& random, const Output& output) {
    Board board{what, output};
    std::atomic<std::size_t> next{0};
    const auto work = [&] {
        for (auto number = next++; number < what.files.size(); number = next++) {
            const auto& file = what.files[number];
            FileUpload upload{api, what.sending, random, board.sent(number)};
            Result<UploadedFile> result;
            try {
                result = upload.run(file);
            } catch (const std::exception& error) {
                result = fail(ErrorCode::internal, error.what());
            }
            const auto [line, outcome] = told(file, result, upload, what, output.format);
            board.ended(line, outcome);
        }
    };
    std::mutex mutex;
    std::condition_variable_any over;
    std::jthread drawing;
    if (what.progress == Progress::shown) {
        drawing = std::jthread{[&](const std::stop_token& stop) {
            std::unique_lock lock{mutex};
            while (!over.wait_for(lock, stop, 200ms, [&] { return stop.stop_requested(); }))
                board.draw_now();
        }};
    }
    {
        std::vector<std::jthread> threads;
        const auto count = std::min(std::max<std::size_t>(what.parallel, 1), what.files.size());
        for (std::size_t i = 0; i < count; ++i)
            threads.emplace_back(work);
    }
    if (drawing.joinable()) {
        drawing.request_stop();
        drawing.join();
    }
    return board.finish();
}

}  // namespace photogate::client
