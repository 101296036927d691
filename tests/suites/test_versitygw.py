"""versitygw's own tests, against the built-in store and MinIO."""
from tests.suites import runner
from tests.suites.expected import judge


def test_versitygw(stores, capsys):
    judge("versitygw", runner.side_by_side(stores, runner.versitygw_names(), runner.run_versitygw), capsys)
