"""What the worker process could do if a file had taken it over, seen from outside: its descriptors, its rights, its limits."""
import os
import pathlib

import pytest

from tests.rig.imagers import imagers


@pytest.fixture
def workers(world):
    found = [pathlib.Path(f"/proc/{getattr(each, 'pid', each)}") for each in imagers(world.gateway)]
    assert found, "no worker process"
    return found


def status(process):
    return dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines() if ":\t" in line)


@pytest.mark.parametrize("name, value", [("NoNewPrivs", "1"), ("Seccomp", "2"), ("CapEff", "0000000000000000"), ("CapPrm", "0000000000000000"), ("CapInh", "0000000000000000"),
                                         ("CapAmb", "0000000000000000")])
def test_worker_process_has_no_rights(workers, name, value):
    for process in workers:
        assert status(process)[name].strip() == value


def test_worker_process_is_not_root(workers):
    if os.geteuid() != 0:
        pytest.skip("the gateway is not root, so it has no user to leave")
    for process in workers:
        assert set(status(process)["Uid"].split()) & {"0"} == set()
        assert status(process)["Groups"].split() in ([], ["0"]) and "0" not in status(process)["Groups"].split()


def test_worker_process_holds_a_socket_a_pipe_and_nothing_else(workers):
    for process in workers:
        try:
            held = [os.readlink(each) for each in (process / "fd").iterdir()]
        except PermissionError:
            pytest.skip("the worker process's descriptors are hidden from this user, as they should be")
        assert all(each.startswith(("socket:", "pipe:", "anon_inode:", "/memfd:")) for each in held), held


def test_worker_process_has_nothing_of_the_gateways_environment(workers):
    for process in workers:
        try:
            assert (process / "environ").read_bytes() == b"OMP_NUM_THREADS=1\0"
        except PermissionError:
            pytest.skip("hidden from this user")


@pytest.mark.parametrize("limit", ["Max core file size", "Max file size"])
def test_worker_process_writes_no_file(workers, limit):
    for process in workers:
        line = next(each for each in (process / "limits").read_text().splitlines() if each.startswith(limit))
        assert line.split()[len(limit.split())] == "0", line


def test_gateway_reports_a_tight_jail(world):
    _, _, body = world.gateway.request("GET", "/readyz?verbose")
    assert body["imager"]["jail"] == "tight", body
