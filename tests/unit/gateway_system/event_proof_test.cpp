#include "gateway/system/event_proof.hpp"

#include <gtest/gtest.h>

namespace photogate::gateway::system {
namespace {

EventCounts counts(double probes, double refused) {
    EventCounts made;
    made.probes["default"] = probes;
    made.refused = refused;
    return made;
}

TEST(EventProof, reads_probes_by_region_and_refusals_of_a_metrics_page) {
    const auto read = event_counts_of(
        "# HELP photogate_event_probes_total x\n# TYPE photogate_event_probes_total counter\n"
        "photogate_event_probes_total{region=\"default\",source=\"minio\"} 3\n"
        "photogate_event_probes_total{region=\"default\",source=\"other\"} 2\n"
        "photogate_event_probes_total{region=\"eu\",source=\"minio\"} 1e3\n"
        "photogate_events_received_total{result=\"received\"} 7\n"
        "photogate_events_received_total{result=\"unauthenticated\"} 4\nup 1\n}");
    EXPECT_EQ(read.probes.at("default"), 5);
    EXPECT_EQ(read.probes.at("eu"), 1000);
    EXPECT_EQ(read.refused, 4);
    EXPECT_TRUE(event_counts_of("").probes.empty());
}

TEST(EventProof, names_the_broken_link) {
    EXPECT_EQ(judge(counts(1, 0), counts(2, 5), "default"), EventLink::arrived);
    EXPECT_EQ(judge(counts(1, 0), counts(1, 1), "default"), EventLink::refused);
    EXPECT_EQ(judge(counts(1, 0), counts(1, 0), "default"), EventLink::lost);
    EXPECT_EQ(judge(counts(1, 0), counts(9, 0), "eu"), EventLink::lost);
    EXPECT_EQ(judge(std::nullopt, counts(1, 0), "default"), EventLink::no_gateway);
    EXPECT_EQ(judge(counts(1, 0), std::nullopt, "default"), EventLink::no_gateway);
}

}  // namespace
}  // namespace photogate::gateway::system
