// Room on the disk that is kept for removing: the index has to grow a little before anything can go. Private
// to storage/objects.
//
// Thread safety: one thread, the committer's.
#pragma once

#include <filesystem>

namespace photogate::storage::objects {

class Reserve {
  public:
    explicit Reserve(std::filesystem::path file);
    /// Takes the room where it is not taken yet, and the disk has it.
    void keep();
    /// Gives it to who asked next. False: there was none.
    bool release();

  private:
    std::filesystem::path file_;
    bool kept_ = false;
};

}  // namespace photogate::storage::objects
