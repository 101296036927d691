"""A whole Ceph on one machine for the time of a test: a monitor, one OSD that keeps everything in memory, and a RADOS Gateway.

It is Debian's own Ceph (ceph-mon, ceph-osd, ceph-common, radosgw), started in about 15 s as its user and without a system service. The OSD has 1 GiB.
"""
import http.client
import os
import pathlib
import shutil
import subprocess
import time
import uuid

from tests.rig.stack.keys import AccessKey
from tests.rig.stack.process import Child, StackError, free_port, free_ports_in_a_row, tail, wait_until

PROGRAMS = ("ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "ceph", "ceph-authtool", "monmaptool")

CONFIGURATION = """[global]
fsid = {fsid}
mon host = v2:127.0.0.1:{mon}/0
keyring = {folder}/keyring
run dir = {folder}/run
log file = {folder}/$name.log
admin socket = {folder}/run/$name.asok
pid file = {folder}/run/$name.pid
heartbeat file = {folder}/run/$name.heartbeat
mon data = {folder}/mon
osd data = {folder}/osd
osd objectstore = memstore
memstore device bytes = 1073741824
osd pool default size = 1
osd pool default min size = 1
mon allow pool size one = true
osd pool default pg num = 8
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon max pg per osd = 1000
auth allow insecure global id reclaim = false
ms bind ipv6 = false
ms bind port min = {first}
ms bind port max = {last}
public addr = 127.0.0.1
rgw data = {folder}/rgw
rgw frontends = beast endpoint=127.0.0.1:{port}
rgw trust forwarded https = true
rgw usage max user shards = 1
"""


def is_installed():
    return all(shutil.which(program) for program in PROGRAMS)


def version():
    return subprocess.run(["radosgw", "--version"], capture_output=True, text=True, timeout=30, check=True).stdout.split()[2]


class _Daemon(Child):
    name = "Ceph"

    def __init__(self, log, command, env):
        super().__init__(log)
        self.command, self.env = command, env

    def start(self):
        self._spawn(self.command, env=self.env)

    def stop(self):
        self._end(15, 10)


class Ceph:
    """`endpoint` is the gateway's; `admin` a user with the capability users=*."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        for name in ("mon", "osd", "rgw", "run"):
            (self.folder / name).mkdir(parents=True)
        self.port, self.mon = free_port(), free_port()
        first = free_ports_in_a_row(10)
        self.fsid = str(uuid.uuid4())
        self.conf = self.folder / "ceph.conf"
        self.conf.write_text(CONFIGURATION.format(fsid=self.fsid, mon=self.mon, folder=self.folder, port=self.port, first=first, last=first + 9))
        self.env = {"PATH": os.environ["PATH"], "CEPH_CONF": str(self.conf), "HOME": str(self.folder)}
        self.daemons = []
        self.admin = AccessKey.make("admin")

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def run(self, *command):
        done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=90, env=self.env)
        if done.returncode != 0:
            raise StackError(f"{' '.join(map(str, command))}: {done.stdout}{done.stderr}")
        return done.stdout

    def _daemon(self, *command):
        daemon = _Daemon(self.folder / f"{command[0]}.out", [shutil.which(command[0]), *command[1:], "-f", "-c", str(self.conf)], self.env)
        self.daemons.append(daemon)
        daemon.start()
        return daemon

    def start(self):
        keyring, osd = self.folder / "keyring", str(uuid.uuid4())
        self.run("ceph-authtool", "--create-keyring", keyring, "--gen-key", "-n", "mon.", "--cap", "mon", "allow *")
        self.run("ceph-authtool", keyring, "--gen-key", "-n", "client.admin", "--cap", "mon", "allow *", "--cap", "osd", "allow *", "--cap", "mgr", "allow *")
        self.run("monmaptool", "--create", "--addv", "a", f"[v2:127.0.0.1:{self.mon}]", "--fsid", self.fsid, self.folder / "monmap")
        self.run("ceph-mon", "-i", "a", "--mkfs", "--monmap", self.folder / "monmap", "--keyring", keyring)
        self._daemon("ceph-mon", "-i", "a")
        self.run("ceph", "--connect-timeout", "60", "osd", "new", osd)
        with open(keyring, "a") as file:
            file.write(self.run("ceph", "auth", "get-or-create", "osd.0", "mon", "allow profile osd", "osd", "allow *"))
        self.run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
        self._daemon("ceph-osd", "-i", "0")
        gateway = self._daemon("radosgw", "-n", "client.admin")
        wait_until(self._answers, 90, f"radosgw\n{tail(self.folder / 'radosgw.out')}", lambda: gateway.running)
        self.run("radosgw-admin", "user", "create", "--uid", "admin", "--display-name", "admin", "--access-key", self.admin.access, "--secret",
                 self.admin.secret, "--caps", "users=*")

    def _answers(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status == 200
        except OSError:
            time.sleep(0.2)
            return False
        finally:
            connection.close()

    def stop(self):
        for daemon in reversed(self.daemons):
            daemon.stop()
        self.daemons.clear()
