"""The systemd unit and the sample configuration, as they are shipped.

There is no systemd in a container. The unit is verified by systemd-analyze, and its command is run as the unit would run it: as a user
without a name of its own in the file system, without privileges, with nothing to write to but /tmp and the StateDirectory.
"""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
UNIT = ROOT / "etc" / "systemd" / "photogate.service"
SAMPLE = ROOT / "etc" / "photogate.toml"
USER = 61_999  # DynamicUser= takes 61184 to 65519

# $1 state folder, $2 unit's program, the rest its arguments.
RUN = r"""
set -e
state=$1; shift
ip link set lo up
mount -t tmpfs -o mode=755 none /var/lib
mkdir -p "/var/lib/$STATE_NAME"
mount --bind "$state" "/var/lib/$STATE_NAME"
state="/var/lib/$STATE_NAME"
sed "\$a photogate:x:$USER_ID:$USER_ID::/:/usr/sbin/nologin" /etc/passwd > "$state/.passwd"
mount --bind "$state/.passwd" /etc/passwd
mount -t tmpfs -o mode=1777 none /tmp
mount -t tmpfs -o mode=1777 none /var/tmp
as_service() { env -i PATH=/usr/bin:/bin setpriv --reuid "$USER_ID" --regid "$USER_ID" --clear-groups --no-new-privs --bounding-set=-all "$@"; }
as_service "$@" > "$state/.log" 2>&1 &
for _ in $(seq 600); do
    curl -sf http://127.0.0.1:8080/readyz > /dev/null && ready=1 && break
    kill -0 $! 2> /dev/null || break
    sleep 0.1
done
[ "$ready" = 1 ] || { cat "$state/.log"; exit 1; }
curl -s -o /dev/null -w 'upload without a key: %{http_code}\n' -X POST http://127.0.0.1:8080/v1/uploads
kill -TERM $(pgrep -P $! || echo $!)
wait $! && echo "stopped in order"
"""


def settings(unit):
    """(name, value) of each line of the unit, continued lines joined."""
    text = re.sub(r"\\\n", " ", unit.read_text())
    return re.findall(r"^([A-Za-z]+)=(.*)$", text, re.M)


def test_sample_configuration_is_valid_as_it_is(run):
    done = run("config", "check", "--config", SAMPLE)
    assert done.returncode == 0, done.stderr
    assert "apps.shop.keys has the sample's placeholder" in done.stderr


def test_every_folder_of_the_sample_is_in_the_state_directory_of_the_unit():
    unit = dict(settings(UNIT))
    assert unit["DynamicUser"] == "yes" and unit["ProtectSystem"] == "strict"
    folders = re.findall(r'^folder = "(.*)"', SAMPLE.read_text(), re.M)
    assert len(folders) == 2
    for folder in folders:
        assert folder.startswith(f"/var/lib/{unit['StateDirectory']}/")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_unit_is_valid(program, tmp_path):
    unit = tmp_path / "photogate.service"
    unit.write_text(UNIT.read_text().replace("/usr/bin/photogate", str(program)))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, timeout=60)
    said = [line for line in done.stderr.splitlines() if "photogate" in line]
    assert not said, said


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts, which only root may")
def test_unit_and_sample_start_as_they_are(program):
    unit = dict(settings(UNIT))
    command = unit["ExecStart"].split()
    assert command[0] == "/usr/bin/photogate" and command[-1] == "/etc/photogate/photogate.toml"
    command = [str(program), *command[1:-1], str(SAMPLE)]
    state = pathlib.Path(f"/var/tmp/photogate-service-{os.getpid()}")
    state.mkdir(mode=int(unit["StateDirectoryMode"], 8))
    os.chown(state, USER, USER)
    try:
        done = subprocess.run(["unshare", "--mount", "--net", "bash", "-c", RUN, "bash", str(state), *command], capture_output=True, text=True,
                              timeout=180, env={**os.environ, "STATE_NAME": unit["StateDirectory"], "USER_ID": str(USER)})
        assert done.returncode == 0, done.stdout + done.stderr
        assert "upload without a key: 401" in done.stdout and "stopped in order" in done.stdout
        assert (state / "postgres" / "data" / "PG_VERSION").stat().st_uid == USER
        assert (state / "store" / "keys").stat().st_mode & 0o777 == 0o600
    finally:
        shutil.rmtree(state)
