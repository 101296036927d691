"""PgBouncer before a world's PostgreSQL, in transaction mode: each transaction gets any free session.

    with Pooler(world.stack.postgres, sessions=4) as pooler:
        gateway.launch(environment={"PHOTOGATE_DATABASE_URL": pooler.url, "PHOTOGATE_DATABASE_POOLER": "transaction"})
"""
import os
import pathlib
import shutil
import signal
import tempfile
import urllib.parse

from tests.rig import stack as parts

PORT = 6432  # of a socket's name alone


def program():
    return shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")


class Pooler(parts.Child):
    def __init__(self, postgres, sessions):
        self.postgres = postgres
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pooler-", dir="/tmp"))
        super().__init__(self.folder / "pgbouncer.log")
        (self.folder / "users").write_text('"photogate" ""\n')
        (self.folder / "pgbouncer.ini").write_text("\n".join([
            "[databases]", f"photogate = host={postgres.sockets} dbname=photogate",
            "[pgbouncer]", "pool_mode = transaction", f"default_pool_size = {sessions}", "max_client_conn = 200", "listen_addr =", f"listen_port = {PORT}",
            f"unix_socket_dir = {self.folder}", "auth_type = trust", f"auth_file = {self.folder / 'users'}", ""]))
        if postgres.user:
            for path in (self.folder, *self.folder.iterdir()):
                os.chown(path, postgres.user.pw_uid, postgres.user.pw_gid)

    @property
    def url(self):
        return f"postgresql://photogate@/photogate?host={urllib.parse.quote(str(self.folder), safe='')}&port={PORT}"

    def __enter__(self):
        self._spawn([program(), self.folder / "pgbouncer.ini"], user=self.postgres.user)
        parts.wait_until((self.folder / f".s.PGSQL.{PORT}").exists, 60, "PgBouncer", lambda: self.running)
        return self

    def __exit__(self, *_):
        self._end(signal.SIGINT, 5)
        shutil.rmtree(self.folder, ignore_errors=True)
