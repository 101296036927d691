#include "gateway/config/rows.hpp"

namespace photogate::gateway::config {
namespace {

using namespace std::chrono_literals;
using S = const Scope&;
using G = const RawValue&;

const Rows<imaging::PoolOptions> imager{
    standard().imaging, [](S scope) -> imaging::PoolOptions& { return scope.config.imaging; }};
const Rows<Worker> worker{standard().worker, [](S scope) -> Worker& { return scope.config.worker; }};
const Rows<storage::records::RecordsOptions> work_records{
    standard().database, [](S scope) -> storage::records::RecordsOptions& { return scope.config.database; }};

Table imaging_table() {
    return {
        .pattern = "imaging",
        .prefix = "imaging",
        .help = "The jailed worker processes that decode and encode pictures.",
        .options = {
            {"program", Kind::file, "", "The worker process's program.",
             [](S s, G g) { return put(read_text(g), s.config.imaging.program); }, Secrecy::open,
             "`photogate-imager` beside `photogate`, or in `../libexec/photogate/`"},
            imager.integer(
                "processes", &imaging::PoolOptions::processes, {1, 256},
                "Worker processes: pictures processed concurrently.",
                {.otherwise = "the cores that affinity and cgroup quota allow", .former = "helpers"}),
            imager.duration(
                "wall_clock", &imaging::PoolOptions::wall_clock, {100ms, 10min},
                "Maximum time for one picture; then its worker process is killed. One that works, and that a "
                "busy machine gave less of a processor, has up to four times as long. Pictures that are "
                "estimated to take more than a third of it are rejected before decoding."),
            imager.size(
                "address_space", &imaging::PoolOptions::address_space, {256ULL << 20, 64ULL << 30},
                "Address space of one worker process. Pictures that are estimated to need more are rejected "
                "before decoding."),
            imager.size("max_output", &imaging::PoolOptions::max_output, {1ULL << 20, 4ULL << 30},
                        "Maximum size of a published picture."),
            imager.size("max_resident", &imaging::PoolOptions::max_resident, {64ULL << 20, 64ULL << 30},
                        "A worker process above this is replaced after its picture."),
            imager.integer("max_tasks_per_process", &imaging::PoolOptions::max_tasks_per_process,
                           {1, 1'000'000}, "Pictures after which a worker process is replaced.",
                           {.former = "tasks_per_helper"}),
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
            worker.integer("concurrency", &Worker::concurrency, {1, 1'000}, "Uploads processed concurrently.",
                           {.otherwise = "two more than `imaging.processes`"}),
            worker.integer("store_concurrency", &Worker::store_concurrency, {1, 1'000},
                           "Originals and deleted images moved or removed concurrently.",
                           {.otherwise = "as many as `concurrency`"}),
            work_records.integer("max_attempts", &storage::records::RecordsOptions::max_attempts, {1, 100},
                                 "Attempts after which an upload fails."),
            work_records.integer("max_decoder_crashes",
                                 &storage::records::RecordsOptions::max_decoder_crashes, {1, 100},
                                 "Worker processes that a picture may crash before its upload fails."),
            worker.duration("lease", &Worker::lease, {5s, 1h},
                            "How long an unresponsive worker keeps its uploads."),
            worker.duration("poll", &Worker::poll, {10ms, 5min},
                            "How often the queue is polled without a notification."),
            worker.duration("reap_interval", &Worker::reap_interval, {100ms, 1h},
                            "How often jobs with expired leases return to the queue."),
            worker.duration("reconcile_interval", &Worker::reconcile_interval, {100ms, 24h},
                            "How often the store is listed for objects without events."),
            worker.duration("expiry_grace", &Worker::expiry_grace, {0s, 24h},
                            "How long after its presigned upload ends an upload without an object expires."),
            worker.duration("sweep_interval", &Worker::sweep_interval, {100ms, 30 * 24h},
                            "How often orphan collection runs over both buckets."),
            worker.duration("sweep_age", &Worker::sweep_age, {1s, 30 * 24h},
                            "Orphan collection ignores objects younger than this."),
            {"regions", Kind::list, "",
             "The regions whose stores are near this worker. Their jobs are taken before those of others.",
             [](S s, G g) { return put_list(g, parse_region_name, s.config.worker.regions); }, Secrecy::open,
             "all"},
            worker.duration("far_after", &Worker::far_after, {0ms, 1h},
                            "How long a job of another region is left to workers that are near it."),
            worker.duration(
                "keep_parts", &Worker::keep_parts, {1s, 90 * 24h},
                "How long after their last presigned URL ends the parts of an unfinished multipart "
                "upload wait for a client that resumes; then they are removed."),
            worker.duration(
                "proof_interval", &Worker::proof_interval, {1s, 24h},
                "How often the proof that the store's credentials and buckets are safe is repeated."),
        }};
}

}  // namespace

std::vector<Table> work_tables() {
    return {imaging_table(), worker_table()};
}

}  // namespace photogate::gateway::config
