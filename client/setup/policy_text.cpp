#include "client/setup/policy_text.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "client/json_text.hpp"

namespace photogate::client::setup {
namespace {

std::string without_order(const json::Value& value) {
    if (const auto* array = value.array()) {
        // One text and a list of that one mean the same.
        if (array->size() == 1) return without_order(array->front());
        std::multiset<std::string> elements;
        for (const auto& element : *array)
            elements.insert(without_order(element));
        return fmt::format("[{}]", fmt::join(elements, ","));
    }
    if (const auto* object = value.object()) {
        std::set<std::string> members;
        for (const auto& [name, member] : *object)
            members.insert(fmt::format("{}:{}", json::canonical(json::Value{name}), without_order(member)));
        return fmt::format("{{{}}}", fmt::join(members, ","));
    }
    return json::canonical(value);
}

bool is_everybody(const json::Value* principal) {
    if (principal == nullptr) return false;
    if (const auto* text = principal->text()) return *text == "*";
    if (const auto* array = principal->array())
        return std::any_of(array->begin(), array->end(),
                           [](const json::Value& each) { return is_everybody(&each); });
    return is_everybody(principal->find("AWS"));
}

json::Value::Array statements_of(std::string_view policy) {
    const auto read = json::read(policy);
    if (!read) return {};
    const auto* statement = read->find("Statement");
    if (statement == nullptr) return {};
    if (const auto* array = statement->array()) return *array;
    return {*statement};
}

}  // namespace

bool same_policy(const json::Value& found, const json::Value& wanted) {
    return without_order(found) == without_order(wanted);
}

bool same_policy(std::string_view found, std::string_view wanted) {
    const auto left = json::read(found);
    const auto right = json::read(wanted);
    return left && right && same_policy(*left, *right);
}

bool lets_everybody_in(std::string_view policy) {
    const auto statements = statements_of(policy);
    return std::any_of(statements.begin(), statements.end(), [](const json::Value& statement) {
        return text_at(statement, "Effect") == "Allow" && is_everybody(statement.find("Principal"));
    });
}

bool has_statement(std::string_view policy, std::string_view statement) {
    const auto wanted = json::read(statement);
    if (!wanted) return false;
    const auto statements = statements_of(policy);
    return std::any_of(statements.begin(), statements.end(),
                       [&](const json::Value& each) { return same_policy(each, *wanted); });
}

std::string with_statement(std::string_view policy, std::string_view statement) {
    const auto added = json::read(statement);
    const auto sid = added ? text_at(*added, "Sid") : std::string{};
    auto statements = statements_of(policy);
    std::erase_if(statements, [&](const json::Value& each) { return text_at(each, "Sid") == sid; });
    std::string texts;
    for (const auto& each : statements)
        texts += json::canonical(each) + ",";
    return fmt::format(R"({{"Version":"2012-10-17","Statement":[{}{}]}})", texts, statement);
}

}  // namespace photogate::client::setup
