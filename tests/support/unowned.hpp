// A shared pointer to what a test owns, for those that take what is live.
//
// Thread safety: a pure function.
#pragma once

#include <memory>

namespace photogate::test {

template <class T>
std::shared_ptr<const T> unowned(const T& value) {
    return std::shared_ptr<const T>{std::shared_ptr<const T>{}, &value};
}

}  // namespace photogate::test
