import pytest

from tests.suites.stores import both


@pytest.fixture(scope="session")
def stores(tmp_path_factory):
    """{"builtin": Store, "minio": Store}"""
    with both(tmp_path_factory.mktemp("stores")) as found:
        yield found
