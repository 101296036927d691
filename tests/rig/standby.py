"""A standby PostgreSQL that follows a primary and can be promoted.

    with Standby(world.stack.postgres) as standby:
        standby.follow()                                # it has all that is committed before the client hears of it
        switch_over(world.stack.postgres, standby)      # the first one lives on and can only be read
        standby.promote()                               # … or the first one is dead
"""
import pathlib
import shutil
import tempfile

from tests.rig import stack as parts


class Standby(parts.Postgres):
    def __init__(self, primary):
        self.own = pathlib.Path(tempfile.mkdtemp(prefix="standby-", dir="/tmp"))
        self.own.chmod(0o711)
        super().__init__(self.own / "postgres", self.own / "postgres.log", False)
        self.primary = primary

    def start(self):
        if not self.data.exists():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._hand_over(self.folder)
            self._run("pg_basebackup", "-h", str(self.primary.sockets), "-U", "photogate", "-D", str(self.data), "-R", "-X", "stream", "-c", "fast")
        super().start()

    def follow(self):
        """Waits until each commit of the primary waits for this standby."""
        self.start()
        self.primary.sql("alter system set synchronous_standby_names = '*'")
        self.primary.sql("select pg_reload_conf()")
        parts.wait_until(lambda: self.primary.sql("select count(*) from pg_stat_replication where sync_state = 'sync'") == "1", 60, "the standby")

    def promote(self):
        self.sql("alter system reset synchronous_standby_names")  # copied with the rest
        self.sql("select pg_promote(true, 30)")
        parts.wait_until(lambda: self.sql("select pg_is_in_recovery()") == "f", 60, "the promotion")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        self.remove()
        shutil.rmtree(self.own, ignore_errors=True)


def switch_over(first, second):
    """By a rule, as an operator does it: nothing is written to the first one any more, then the second one takes over. Sessions with the first
    one stay, and can only read."""
    first.sql("alter system set default_transaction_read_only = on")
    first.sql("select pg_reload_conf()")
    parts.wait_until(lambda: first.sql("select count(*) from pg_stat_activity where state in ('active', 'idle in transaction') and backend_xid is not null") == "0",
                     10, "the last transactions")
    end = first.sql("select pg_current_wal_flush_lsn()")
    parts.wait_until(lambda: second.sql(f"select pg_last_wal_replay_lsn() >= '{end}'::pg_lsn") == "t", 60, "the standby")
    second.promote()
