"""The tests of a suite that the built-in store fails on purpose, with the reasons."""
import pathlib
import tomllib


def expected(suite, kind="differences"):
    """{name of a test: reason}; of `unsteady`, those whose outcome differs from run to run."""
    with open(pathlib.Path(__file__).parent / "expected" / f"{suite}.toml", "rb") as file:
        reasons = tomllib.load(file).get(kind, [])
    found = {}
    for each in reasons:
        for name in each["tests"]:
            assert name not in found, f"{suite}: {name} is listed twice"
            found[name] = each["reason"]
    return found


def judge(suite, outcomes, capsys):
    """`outcomes`: {"builtin": {name: Outcome}, "minio": …}. Fails with everything that is not as listed."""
    ours, theirs = outcomes["builtin"], outcomes["minio"]
    reasons = expected(suite)
    ours = {name: each for name, each in ours.items() if name not in expected(suite, "unsteady")}
    wrong = [f"{name}: {each.verdict}: {each.said}" for name, each in ours.items() if each.verdict != "passed" and name not in reasons]
    wrong += [f"{name}: passed, but expected/{suite}.toml says: {reasons[name]}" for name, each in ours.items() if each.verdict == "passed" and name in reasons]
    wrong += [f"{name}: listed in expected/{suite}.toml, but the suite has no such test" for name in reasons if name not in ours]
    passed = {label: sum(each.verdict == "passed" for each in found.values()) for label, found in outcomes.items()}
    alone = sum(theirs[name].verdict == "passed" and each.verdict != "passed" for name, each in ours.items())
    with capsys.disabled():
        print(f"\n{suite}: {len(ours)} tests; passed by the built-in store {passed['builtin']}, by MinIO {passed['minio']}; by MinIO alone {alone}")
    assert not wrong, "\n".join(wrong)
