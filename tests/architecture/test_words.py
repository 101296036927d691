"""The sentences for people, and the pages made from them: web/words.json has every code, and nothing else."""
import json
import re
import subprocess

from tests.architecture import check_architecture

ROOT = check_architecture.ROOT
WORDS = json.loads((ROOT / "web" / "words.json").read_text())
ERROR_CODES = (ROOT / "base" / "error_code.hpp").read_text()


def public_codes():
    table = ERROR_CODES[ERROR_CODES.index("#define PHOTOGATE_PUBLIC_ERROR_CODES"):ERROR_CODES.index("#define PHOTOGATE_INTERNAL_ERROR_CODES")]
    return re.findall(r"X\((\w+), \d+,", table)


def rejection_codes():
    """Those of the imager, and those that the pipeline and the records give themselves."""
    enumeration = re.search(r"enum class RejectionCode \{(.*?)\};", (ROOT / "imaging" / "picture.hpp").read_text(), re.S).group(1)
    codes = set(re.findall(r"^\s*(\w+),?", re.sub(r"//.*", "", enumeration), re.M))
    for folder in ("pipeline", "storage/records"):
        for path in (ROOT / folder).rglob("*.cpp"):
            codes |= set(re.findall(r'(?:\brefuse\(|\breject\(work, |RejectionFacts \w+\{)"(\w+)"', path.read_text()))
    return codes


def test_has_a_sentence_for_every_public_code_in_the_order_of_the_table():
    assert list(WORDS["errors"]) == public_codes()


def test_has_a_sentence_for_every_rejection_code():
    assert set(WORDS["rejections"]) == rejection_codes()


def test_sentences_are_for_people():
    for code, entry in [*WORDS["errors"].items(), *WORDS["rejections"].items(), *WORDS["states"].items()]:
        said = entry["say"]
        assert said.endswith("."), code
        assert not re.search(r"[`_{}]|JSON|HTTP|header|token|API|\d{3}", said), f"{code}: {said}"
        assert "do" not in entry or entry["do"].endswith("."), code


def test_page_of_errors_advises_as_the_table_does():
    rows = re.findall(r"^\| `(\w+)` \| \d+ \| \w+ \| .*? \| (.*?) \\|$".replace("\\\\", "\\"), (ROOT / "docs" / "errors.md").read_text(), re.M)
    assert dict(rows) == {code: entry["do"] for code, entry in WORDS["errors"].items()}


def test_rendered_pages_are_current():
    done = subprocess.run([ROOT / "scripts" / "render-api", "--check"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
