// Disk space reserved for removals: the index has to grow a little before anything can be removed. Private to
// storage/builtin.
//
// Thread safety: one thread, the committer's.
#pragma once

#include <filesystem>

namespace photogate::storage::builtin {

class Reserve {
  public:
    explicit Reserve(std::filesystem::path file);
    /// Reserves the space if it is not reserved yet and the disk has it.
    void keep();
    /// Releases it for the next allocation. False: nothing was reserved.
    bool release();

  private:
    std::filesystem::path file_;
    bool kept_ = false;
};

}  // namespace photogate::storage::builtin
