#include "model/transition.hpp"

#include <algorithm>

namespace photogate::model {
namespace {

using enum UploadState;

constexpr Transition kTransitions[] = {
    {"t1", std::nullopt, created}, {"t2", created, uploaded},      {"t2", expired, uploaded},
    {"t3", uploaded, processing},  {"t4", processing, processing}, {"t5", processing, published},
    {"t6", processing, rejected},  {"t7", processing, uploaded},   {"t8", processing, failed},
    {"t9", created, expired},      {"t10", processing, uploaded},  {"t10", processing, rejected},
    {"t11", created, cancelled},   {"t11", expired, cancelled},    {"t11", uploaded, cancelled},
    {"t12", published, deleted},   {"t12", rejected, deleted},     {"t12", failed, deleted},
    {"t13", failed, uploaded},     {"t13", rejected, uploaded},    {"t14", expired, created},
};

}  // namespace

std::span<const Transition> transitions() {
    return kTransitions;
}

bool may_become(UploadState from, UploadState to) {
    return from != to && std::any_of(std::begin(kTransitions), std::end(kTransitions),
                                     [&](const Transition& t) { return t.from == from && t.to == to; });
}

}  // namespace photogate::model
