#include "gateway/config/defaults.hpp"
#include "gateway/config/options.hpp"
#include "gateway/config/setters.hpp"

namespace photogate::gateway::config {
namespace {

using namespace std::chrono_literals;
using S = const Scope&;
using G = const RawValue&;

Table imaging_table() {
    return {.pattern = "imaging",
            .prefix = "imaging",
            .help = "The jailed worker processes that decode and encode pictures.",
            .options = {
                {"program", Kind::file, "", "The worker process's program.",
                 [](S s, G g) { return put(read_text(g), s.config.imaging.program); }, Secrecy::open,
                 "`photogate-imager` beside `photogate`, or in `../libexec/photogate/`"},
                {"processes",
                 Kind::integer,
                 "",
                 "Worker processes: pictures processed concurrently.",
                 [](S s, G g) {
                     return put(read_integer(g, {1, 256}), s.config.imaging.processes);
                 },
                 Secrecy::open,
                 "the cores that affinity and cgroup quota allow",
                 {},
                 "helpers"},
                {"wall_clock", Kind::duration, duration_text(standard().imaging.wall_clock),
                 "Maximum time for one picture; then its worker process is killed. Pictures that are "
                 "estimated to take more "
                 "than a third of it are rejected before decoding.",
                 [](S s, G g) {
                     return put(read_duration(g, {100ms, 10min}), s.config.imaging.wall_clock);
                 }},
                {"address_space", Kind::size, size_text(standard().imaging.address_space),
                 "Address space of one worker process. Pictures that are estimated to need more are rejected "
                 "before decoding.",
                 [](S s, G g) {
                     return put(read_size(g, {256ULL << 20, 64ULL << 30}), s.config.imaging.address_space);
                 }},
                {"max_output", Kind::size, size_text(standard().imaging.max_output),
                 "Maximum size of a published picture.",
                 [](S s, G g) {
                     return put(read_size(g, {1ULL << 20, 4ULL << 30}), s.config.imaging.max_output);
                 }},
                {"max_resident", Kind::size, size_text(standard().imaging.max_resident),
                 "A worker process above this is replaced after its picture.",
                 [](S s, G g) {
                     return put(read_size(g, {64ULL << 20, 64ULL << 30}), s.config.imaging.max_resident);
                 }},
                {"max_tasks_per_process",
                 Kind::integer,
                 std::to_string(standard().imaging.max_tasks_per_process),
                 "Pictures after which a worker process is replaced.",
                 [](S s, G g) {
                     return put(read_integer(g, {1, 1'000'000}), s.config.imaging.max_tasks_per_process);
                 },
                 Secrecy::open,
                 {},
                 {},
                 "tasks_per_helper"},
                {"serve", Kind::boolean, "false",
                 "Start worker processes in `photogate serve` too, for pictures made on demand.",
                 [](S s, G g) { return put(read_boolean(g), s.config.imagers_while_serving); }},
            }};
}

Table worker_table() {
    return {
        .pattern = "worker",
        .prefix = "worker",
        .help = "The processing of uploads, and the reconciler for lost events.",
        .options = {
            {"concurrency", Kind::integer, "", "Uploads processed concurrently.",
             [](S s, G g) {
                 return put(read_integer(g, {1, 1'000}), s.config.worker.concurrency);
             },
             Secrecy::open, "two more than `imaging.processes`"},
            {"store_concurrency", Kind::integer, "",
             "Originals and deleted images moved or removed concurrently.",
             [](S s, G g) {
                 return put(read_integer(g, {1, 1'000}), s.config.worker.store_concurrency);
             },
             Secrecy::open, "as many as `concurrency`"},
            {"max_attempts", Kind::integer, std::to_string(standard().database.max_attempts),
             "Attempts after which an upload fails.",
             [](S s, G g) {
                 return put(read_integer(g, {1, 100}), s.config.database.max_attempts);
             }},
            {"max_decoder_crashes", Kind::integer, std::to_string(standard().database.max_decoder_crashes),
             "Worker processes that a picture may crash before its upload fails.",
             [](S s, G g) {
                 return put(read_integer(g, {1, 100}), s.config.database.max_decoder_crashes);
             }},
            {"lease", Kind::duration, duration_text(standard().worker.lease),
             "How long an unresponsive worker keeps its uploads.",
             [](S s, G g) {
                 return put_seconds(read_duration(g, {5s, 1h}), s.config.worker.lease);
             }},
            {"poll", Kind::duration, duration_text(standard().worker.poll),
             "How often the queue is polled without a notification.",
             [](S s, G g) {
                 return put(read_duration(g, {10ms, 5min}), s.config.worker.poll);
             }},
            {"reap_interval", Kind::duration, duration_text(standard().worker.reap_interval),
             "How often jobs with expired leases return to the queue.",
             [](S s, G g) {
                 return put(read_duration(g, {100ms, 1h}), s.config.worker.reap_interval);
             }},
            {"reconcile_interval", Kind::duration, duration_text(standard().worker.reconcile_interval),
             "How often the store is listed for objects without events.",
             [](S s, G g) {
                 return put(read_duration(g, {100ms, 24h}), s.config.worker.reconcile_interval);
             }},
            {"expiry_grace", Kind::duration, duration_text(standard().worker.expiry_grace),
             "How long after its presigned upload ends an upload without an object expires.",
             [](S s, G g) {
                 return put_seconds(read_duration(g, {0s, 24h}), s.config.worker.expiry_grace);
             }},
            {"sweep_interval", Kind::duration, duration_text(standard().worker.sweep_interval),
             "How often orphan collection runs over both buckets.",
             [](S s, G g) {
                 return put(read_duration(g, {100ms, 30 * 24h}), s.config.worker.sweep_interval);
             }},
            {"sweep_age", Kind::duration, duration_text(standard().worker.sweep_age),
             "Orphan collection ignores objects younger than this.",
             [](S s, G g) {
                 return put_seconds(read_duration(g, {1s, 30 * 24h}), s.config.worker.sweep_age);
             }},
            {"proof_interval", Kind::duration, duration_text(standard().worker.proof_interval),
             "How often the proof that the store's credentials and buckets are safe is repeated.",
             [](S s, G g) {
                 return put(read_duration(g, {1s, 24h}), s.config.worker.proof_interval);
             }},
        }};
}

}  // namespace

std::vector<Table> work_tables() {
    return {imaging_table(), worker_table()};
}

}  // namespace photogate::gateway::config
