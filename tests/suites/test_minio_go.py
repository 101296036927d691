"""minio-go's own tests, against the built-in store and MinIO."""
from tests.suites import minio_go, runner
from tests.suites.expected import judge


def test_minio_go(stores, capsys):
    judge("minio-go", runner.side_by_side(stores, minio_go.names(), minio_go.run), capsys)
