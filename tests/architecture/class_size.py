"""How many public member functions each class of a header has. A simple reader: comments, strings and preprocessor lines are removed,
classes are found by their braces, statements by semicolons and bodies. Constructors, destructors, operators, and what is defaulted or
deleted are not counted; overloads are. Standard library only.
"""
import re

NOISE = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'|^[ \t]*#(?:[^\n]*\\\n)*[^\n]*', re.S | re.M)
DIGIT_SEPARATOR = re.compile(r"(?<=[0-9a-fA-F])'(?=[0-9a-fA-F])")
CLASS = re.compile(r"(?<!enum )\b(class|struct)\s+(?:\[\[[^\]]*\]\]\s*)?([\w:]+)(?:\s+final)?\s*(?::(?!:)[^;{}()]*)?\{")
LABEL = re.compile(r"\s*(public|protected|private)\s*:(?!:)")
NOT_A_FUNCTION = re.compile(r"\s*(using|typedef|friend|static_assert|enum|class|struct|union)\b")


def blank(match):
    return "\n" * match.group(0).count("\n") or " "


def end_of(text, start):
    """The index after the brace that closes the one at `start`."""
    depth = 0
    for index in range(start, len(text)):
        if text[index] == "{":
            depth += 1
        elif text[index] == "}":
            depth -= 1
            if depth == 0:
                return index + 1
    return len(text)


def without_templates(text):
    previous = None
    while previous != text:
        previous = text
        text = re.sub(r"<[^<>;{}]*>", " ", text)
    return text


def is_function(statement, class_name):
    statement = without_templates(re.sub(r"\[\[[^\]]*\]\]", " ", statement)).strip()
    statement = re.sub(r"^template\b", "", statement).strip()
    if NOT_A_FUNCTION.match(statement) or re.search(r"\boperator\b", statement):
        return False
    if re.search(r"=\s*(default|delete)\s*$", statement):
        return False
    called = re.match(r"([^=(]*?)(~?\w+)\s*\(", statement)
    return bool(called) and called[2].lstrip("~") != class_name and called[2] not in ("noexcept", "alignas", "decltype")


def statements(body):
    """(access label or None, statement) for what stands directly in a class's body; blocks are cut out."""
    index, begin, depth = 0, 0, 0
    while index < len(body):
        label = LABEL.match(body, index) if index == begin else None
        if label:
            yield label[1], ""
            index = begin = label.end()
            continue
        character = body[index]
        if character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
        elif character == ";" and depth == 0:
            yield None, body[begin:index]
            begin = index + 1
        elif character == "{":
            end = end_of(body, index)
            before = body[begin:index]
            if depth == 0 and re.search(r"\)[^=]*$", without_templates(before)) and not NOT_A_FUNCTION.match(before):
                yield None, before  # a function with its body
                begin = end
            index = end
            continue
        index += 1


def public_functions(text):
    """(class, line, number of public member functions) for each class that the text defines."""
    text = NOISE.sub(blank, DIGIT_SEPARATOR.sub("", text))
    found = []
    for match in CLASS.finditer(text):
        name = match[2].split("::")[-1]
        body = text[match.end():end_of(text, match.end() - 1) - 1]
        access = "private" if match[1] == "class" else "public"
        count = 0
        for label, statement in statements(body):
            if label:
                access = label
            elif access == "public" and is_function(statement, name):
                count += 1
        found.append((name, text[: match.start()].count("\n") + 1, count))
    return found
