"""A private PostgreSQL and a private MinIO, for the tests.

    with Stack() as stack:                        # a throw-away one
        subprocess.run(command, env={**os.environ, **stack.environment()})

    python3 -m tests.rig.stack exec [--events-url URL --events-token TOKEN] -- COMMAND ...

PostgreSQL listens on a Unix socket alone and never runs as root; MinIO listens on a free port of 127.0.0.1, which it keeps
over restarts. Both die with the process that started them (PR_SET_PDEATHSIG), however that one ends. The kernel means the
starting *thread* by that: start a Stack from a thread that lives as long as the stack does.

MinIO gets the buckets incoming, public and originals, the users `signer` and `worker` with the policies of etc/minio, and two
webhook targets that point at the gateway: `direct` (no queue, a few ms, lost when the gateway is away) and `queued` (kept on
disk, up to 3 s late, kept). Both are subscribed to s3:ObjectCreated:* under `u/` of incoming.

Needs Debian's postgresql-15, and `minio` from scripts/install-stores.
"""
from tests.rig.stack.builtin import Builtin
from tests.rig.stack.keys import REGION, AccessKey
from tests.rig.stack.minio import Minio
from tests.rig.stack.postgres import Postgres
from tests.rig.stack.process import ROOT, Child, Interrupted, StackError, free_port, free_ports_in_a_row, interrupts, spawn, tail, wait_until
from tests.rig.stack.whole import Stack, blank_cluster

__all__ = ["REGION", "ROOT", "AccessKey", "Builtin", "Child", "Interrupted", "Minio", "Postgres", "Stack", "StackError", "blank_cluster",
           "free_port", "free_ports_in_a_row", "interrupts", "spawn", "tail", "wait_until"]
