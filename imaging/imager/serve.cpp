#include "imaging/imager/serve.hpp"

#include <utility>
#include <variant>

#include <malloc.h>

#include "imaging/imager/process_image.hpp"
#include "imaging/imager/vips_image.hpp"
#include "imaging/imager_wire.hpp"
#include "imaging/memory_file.hpp"

namespace photogate::imaging {
namespace {

/// Bytes of freed memory that are kept for the next task: each page that is given back is zeroed and mapped again
/// when it is needed, which was a sixth of a small version's time.
constexpr std::size_t kKeptMemory = 16U << 20;

Answer answer_to(const Frame& frame) {
    auto order = read_order(frame.header, frame.body);
    if (!order) return fail(order.error());
    const auto file = MappedFile::map(frame.descriptor.get(), order->task.size);
    if (!file) return fail(ErrorCode::internal, file.error().detail);
    return process_image(*order, file->bytes());
}

bool send(Channel& channel, const Answer& answer) {
    const Processed* processed = answer ? std::get_if<Processed>(&*answer) : nullptr;
    const std::string header = write_answer(answer);
    // One picture, the usual case, goes without a copy.
    if (processed != nullptr && processed->pictures.size() == 1)
        return channel.send(header, processed->picture().bytes, -1, std::nullopt).has_value();
    return channel.send(header, body_of(answer), -1, std::nullopt).has_value();
}

}  // namespace

void serve(Channel& channel) {
    for (;;) {
        const auto frame =
            channel.receive({kMaxTaskHeader, kMaxWatermarkPictures * kMaxWatermark}, std::nullopt);
        if (!frame) return;
        const Answer answer = answer_to(*frame);
        if (!send(channel, answer)) return;
        // Behind the answer: what a loader left in the process-wide buffer must not be found by the next task
        // (trap 10), and freed memory goes back to the system.
        vips_error_clear();
        if (::mallinfo2().fordblks > kKeptMemory) (void)::malloc_trim(0);
    }
}

}  // namespace photogate::imaging
