"""A second MinIO beside a world's own: another region. Its buckets have other names, and its events go to the same source."""
from tests.rig.stack import Minio


def second_store(world, folder):
    """Started; stop it with close_store()."""
    made = Minio(folder / "minio", folder / "minio.log", False, world.stack.minio.events_url, world.stack.events_token)
    made.incoming, made.public, made.originals = "far-incoming", "far-public", "far-originals"
    made.start()
    return made


def close_store(minio):
    minio.stop()
    minio.remove()


def region_toml(name, minio, more=""):
    return "\n".join([
        f"[regions.{name}]", f'endpoint = "{minio.endpoint}"',
        f'incoming_bucket = "{minio.incoming}"', f'public_bucket = "{minio.public}"', f'originals_bucket = "{minio.originals}"',
        f'signer_access_key = "{minio.signer.access}"', f'signer_secret_key = "{minio.signer.secret}"',
        f'worker_access_key = "{minio.worker.access}"', f'worker_secret_key = "{minio.worker.secret}"', more, ""])
