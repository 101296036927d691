// The protocol between the supervisor and a worker process: JSON headers of `Channel` frames.
//
//   worker process → supervisor   hello    once, after start-up:
//                              {"ready":true,"jail":{"files":"failed","sockets":"failed",
//                                                    "programs":"failed","landlock":N,"missing":"…"}}
//                              or {"ready":false,"detail":"…"}
//   supervisor → worker process   task     {"declared_type":…,"accepted":[…],"limits":{…},"facts":{…},
//                               "versions":[{…},…],"size":N,"max_output":N}
//                               "watermarks":[{"sha256":…,"size":N},…]}
//                              with the file attached as a descriptor, and the bytes of the watermarks'
//                              pictures, one behind the other, as the frame's body; without `facts` it is
//                              a render
//   worker process → supervisor   answer   {"processed":{"pictures":[{…,"size":N},…],…}} with the bytes of all
//                              pictures, one behind the other, as the frame's body,
//                              or {"rejected":{"code":"corrupt","detail":"…"}}
//                              or {"failed":{"code":…,"detail":"…"}}
//
// The supervisor trusts nothing: each parser here checks types, ranges, words and UTF-8, and answers a Fault
// with a sentence. Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/encoding.hpp"
#include "base/result.hpp"
#include "imaging/jail_report.hpp"
#include "imaging/picture.hpp"

namespace photogate::imaging {

/// Caps on headers, in bytes. An answer holds the Exif facts, which their reader bounds at a few hundred
/// entries.
inline constexpr std::uint64_t kMaxTaskHeader = 64U << 10;
inline constexpr std::uint64_t kMaxAnswerHeader = 4U << 20;

/// A task as the worker process receives it; `task.file` is to be filled in from the frame.
struct TaskOrder {
    Task task;
    std::uint64_t max_output = 0;
};

/// The bytes of the watermarks' pictures of a task, each once, one behind the other. Borrowed where there is one alone.
class WatermarkBody {
  public:
    explicit WatermarkBody(const Task& task);
    BytesView bytes() const { return parts_.size() == 1 ? BytesView(*parts_.front()) : BytesView(joined_); }

  private:
    std::vector<std::shared_ptr<const Bytes>> parts_;
    Bytes joined_;
};
/// How many different pictures the watermarks of a task have.
std::size_t watermark_pictures(const Task& task);

/// Every version of the task must be sound (complaint_about()).
std::string write_order(const Task& task, std::uint64_t max_output);
/// `body` is that of the frame: the watermarks of the versions get their pictures out of it.
Result<TaskOrder> read_order(std::string_view header, BytesView body);

std::string write_hello(const Result<JailReport>& start_up);
/// imager_unavailable with the worker process's own words, or with ours where the hello makes no sense. A jail of
/// which it says nothing is not tight.
Result<JailReport> read_hello(std::string_view header);

/// What the worker process found; an Error here is a fault of ours, not of the picture.
using Answer = Result<Outcome>;

/// The published bytes are not in the header: they go as the frame's body (body_of()).
std::string write_answer(const Answer& answer);
/// The bytes of all pictures of an answer, one behind the other.
Bytes body_of(const Answer& answer);
/// `imager_crashed` where the answer makes no sense: the caller kills the worker process. `body` becomes the
/// pictures' bytes.
struct ReadAnswer {
    Answer answer;
    enum class Sense { sound, nonsense } sense = Sense::sound;
};
ReadAnswer read_answer(std::string_view header, Bytes body, const Task& task);

}  // namespace photogate::imaging
