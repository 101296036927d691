#include "base/secret.hpp"

#include <cstring>

namespace photogate {

void Secret::wipe() noexcept {
    if (!text_.empty()) ::explicit_bzero(text_.data(), text_.size());
    text_.clear();
}

}  // namespace photogate
