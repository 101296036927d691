#include "gateway/config/usable_cores.hpp"

#include <cstdlib>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <sched.h>

namespace photogate::gateway::config {
namespace {

namespace fs = std::filesystem;

/// A root folder with what the kernel shows of cgroups.
class CgroupCores : public ::testing::Test {
  protected:
    CgroupCores() {
        std::string name = (fs::temp_directory_path() / "photogate-cgroups-XXXXXX").string();
        EXPECT_NE(::mkdtemp(name.data()), nullptr);
        root_ = name;
    }
    ~CgroupCores() override {
        std::error_code ignored;
        fs::remove_all(root_, ignored);
    }
    void write(const std::string& path, const std::string& text) {
        fs::create_directories((root_ / path).parent_path());
        std::ofstream(root_ / path) << text;
    }
    void unified(const std::string& group, const std::string& mounted = "/") {
        write("proc/self/cgroup", "0::" + group + "\n");
        write("proc/self/mountinfo", "25 1 0:22 / /proc rw - proc proc rw\n30 23 0:26 " + mounted +
                                         " /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n");
    }
    std::size_t cores() const { return cgroup_cores(root_, 16); }
    fs::path root_;
};

TEST_F(CgroupCores, without_quota_all_are_usable) {
    EXPECT_EQ(cores(), 16U);
    unified("/a/b");
    write("sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
    EXPECT_EQ(cores(), 16U);
    write("sys/fs/cgroup/a/b/cpu.max", "nonsense");
    EXPECT_EQ(cores(), 16U);
}

TEST_F(CgroupCores, obeys_the_smallest_quota_of_the_ancestors) {
    unified("/a/b");
    write("sys/fs/cgroup/a/b/cpu.max", "800000 100000\n");
    EXPECT_EQ(cores(), 8U);
    write("sys/fs/cgroup/a/cpu.max", "200000 100000\n");
    EXPECT_EQ(cores(), 2U);
    write("sys/fs/cgroup/a/cpu.max", "250000 100000\n");
    EXPECT_EQ(cores(), 2U) << "a fraction is left out";
    write("sys/fs/cgroup/a/cpu.max", "50000 100000\n");
    EXPECT_EQ(cores(), 1U);
    write("sys/fs/cgroup/a/cpu.max", "9900000 100000\n");
    EXPECT_EQ(cores(), 8U);
}

TEST_F(CgroupCores, reads_the_top_group_of_a_container) {
    unified("/");
    write("sys/fs/cgroup/cpu.max", "300000 100000\n");
    EXPECT_EQ(cores(), 3U);
    // Without a namespace of its own the container's group is named as the machine sees it.
    unified("/docker/abc", "/docker/abc");
    EXPECT_EQ(cores(), 3U);
}

TEST_F(CgroupCores, obeys_quota_of_cgroup_v1) {
    write("proc/self/cgroup", "5:memory:/m\n4:cpu,cpuacct:/svc\n1:name=systemd:/svc\n");
    write("proc/self/mountinfo",
          "31 30 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
          "32 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n");
    write("sys/fs/cgroup/cpu,cpuacct/svc/cpu.cfs_period_us", "100000\n");
    write("sys/fs/cgroup/cpu,cpuacct/svc/cpu.cfs_quota_us", "400000\n");
    EXPECT_EQ(cores(), 4U);
    write("sys/fs/cgroup/cpu,cpuacct/svc/cpu.cfs_quota_us", "-1\n");
    EXPECT_EQ(cores(), 16U);
}

TEST(UsableCores, obeys_the_affinity_mask) {
    cpu_set_t before;
    ASSERT_EQ(::sched_getaffinity(0, sizeof before, &before), 0);
    int first = 0;
    while (!CPU_ISSET(first, &before))
        ++first;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
    EXPECT_EQ(usable_cores(), 1U);
    ASSERT_EQ(::sched_setaffinity(0, sizeof before, &before), 0);
    EXPECT_GE(usable_cores(), 1U);
}

}  // namespace
}  // namespace photogate::gateway::config
