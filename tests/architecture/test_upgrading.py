"""docs/upgrading.md says of every migration whether gateways of the schema before go on beside it, and errs on the safe side."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Columns of tables of which those gateways read single columns.
READ_BY_NAME = {"0005", "0017", "0024", "0025", "0029", "0031"}


def rows():
    text = (ROOT / "docs" / "upgrading.md").read_text().split("<!-- migrations -->")[1].split("<!-- /migrations -->")[0]
    return dict(re.findall(r"^\| (\d{4}) \|.*\| ?([a-z ]*) \|$", text, re.M))


def migrations():
    return {path.name[:4]: path.read_text() for path in (ROOT / "storage" / "records" / "migrations").glob("*.sql")}


def test_page_names_every_migration():
    assert list(rows()) == sorted(migrations())
    assert set(rows().values()) <= {"", "go on", "stop"}


def test_gateways_go_on_beside_what_only_adds_tables_and_indexes():
    for number, text in migrations().items():
        changes = re.search(r"\b(add column|rename|drop column|alter column)\b", text, re.I)
        if rows()[number] == "go on":
            assert not changes or number in READ_BY_NAME, number
