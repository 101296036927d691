#include "gateway/config/options.hpp"
#include "gateway/config/setters.hpp"

namespace photogate::gateway::config {
namespace {

using namespace std::chrono_literals;
using S = const Scope&;
using G = const Given&;

Table imaging_table() {
    return {.pattern = "imaging",
            .prefix = "imaging",
            .help = "The jailed helpers that decode and encode pictures.",
            .options = {
                {"program", Kind::text, "", "The helper's program.",
                 [](S s, G g) { return put(read_text(g), s.config.imaging.program); }, Secrecy::open,
                 "`photogate-imager` beside `photogate`, or in `../libexec/photogate/`"},
                {"helpers", Kind::integer, "", "Pictures processed at once.",
                 [](S s, G g) {
                     return put(read_integer(g, {1, 256}), s.config.imaging.helpers);
                 },
                 Secrecy::open, "the number of cores"},
                {"wall_clock", Kind::duration, "20s", "For one picture; then its helper is killed.",
                 [](S s, G g) {
                     return put(read_duration(g, {100ms, 10min}), s.config.imaging.wall_clock);
                 }},
                {"address_space", Kind::size, "1GiB", "Address space of one helper.",
                 [](S s, G g) {
                     return put(read_size(g, {256ULL << 20, 64ULL << 30}), s.config.imaging.address_space);
                 }},
                {"max_output", Kind::size, "256MiB", "The largest published picture.",
                 [](S s, G g) {
                     return put(read_size(g, {1ULL << 20, 4ULL << 30}), s.config.imaging.max_output);
                 }},
                {"max_resident", Kind::size, "400MiB", "A helper above this is replaced after its picture.",
                 [](S s, G g) {
                     return put(read_size(g, {64ULL << 20, 64ULL << 30}), s.config.imaging.max_resident);
                 }},
                {"tasks_per_helper", Kind::integer, "200", "Pictures after which a helper is replaced.",
                 [](S s, G g) {
                     return put(read_integer(g, {1, 1'000'000}), s.config.imaging.tasks_per_helper);
                 }},
            }};
}

Table worker_table() {
    return {
        .pattern = "worker",
        .prefix = "worker",
        .help = "The loop that takes uploads through, and the reconciler that finds what events missed.",
        .options = {
            {"concurrency", Kind::integer, "", "Uploads under way at once.",
             [](S s, G g) {
                 return put(read_integer(g, {1, 1'000}), s.config.worker.concurrency);
             },
             Secrecy::open, "two more than `imaging.helpers`"},
            {"max_attempts", Kind::integer, "5", "Attempts after which an upload has failed.",
             [](S s, G g) {
                 return put(read_integer(g, {1, 100}), s.config.database.max_attempts);
             }},
            {"max_decoder_crashes", Kind::integer, "3",
             "Helpers that a picture may kill before it has failed.",
             [](S s, G g) {
                 return put(read_integer(g, {1, 100}), s.config.database.max_decoder_crashes);
             }},
            {"lease", Kind::duration, "60s", "For how long a worker that was not heard of keeps its uploads.",
             [](S s, G g) {
                 return put_seconds(read_duration(g, {5s, 1h}), s.config.worker.lease);
             }},
            {"poll", Kind::duration, "1s", "How often the queue is looked at where no wake-up came.",
             [](S s, G g) {
                 return put(read_duration(g, {10ms, 5min}), s.config.worker.poll);
             }},
            {"reap_interval", Kind::duration, "10s", "How often leases that ran out are given back.",
             [](S s, G g) {
                 return put(read_duration(g, {100ms, 1h}), s.config.worker.reap_interval);
             }},
            {"reconcile_interval", Kind::duration, "60s",
             "How often the store is asked for objects that no event told of.",
             [](S s, G g) {
                 return put(read_duration(g, {100ms, 24h}), s.config.worker.reconcile_interval);
             }},
            {"expiry_grace", Kind::duration, "15m",
             "How long after its grant an upload without an object expires.",
             [](S s, G g) {
                 return put_seconds(read_duration(g, {0s, 24h}), s.config.worker.expiry_grace);
             }},
            {"sweep_interval", Kind::duration, "24h",
             "How often the buckets are swept from end to end for what nobody refers to.",
             [](S s, G g) {
                 return put(read_duration(g, {100ms, 30 * 24h}), s.config.worker.sweep_interval);
             }},
            {"sweep_age", Kind::duration, "24h", "Objects younger than this are not swept.",
             [](S s, G g) {
                 return put_seconds(read_duration(g, {1s, 30 * 24h}), s.config.worker.sweep_age);
             }},
            {"proof_interval", Kind::duration, "1h",
             "How often it is proved again that the store's credentials and buckets are safe.",
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
