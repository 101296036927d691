"""Child processes that die with this one, ports, waiting, and the end of a run by a signal. Standard library only."""
import contextlib
import ctypes
import os
import pathlib
import random
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
PR_SET_PDEATHSIG = 1
ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)

_libc = ctypes.CDLL(None, use_errno=True)


class StackError(RuntimeError):
    """What did not start, and the end of its log."""


PORTS = range(10_000, 32_768)  # below those that the kernel gives to outgoing connections
_leases = []


def free_port():
    """A port of 127.0.0.1 that nobody listens on and that no other process of the tests is given while this one lives."""
    return free_ports_in_a_row(1)


def free_ports_in_a_row(count):
    """The first of `count` ports as free_port() gives them. A lease is an abstract socket's name: exclusive on the machine, and gone with its process."""
    while True:
        first = random.randrange(PORTS.start, PORTS.stop - count)
        with contextlib.ExitStack() as leases, contextlib.ExitStack() as probes, contextlib.suppress(OSError):
            for port in range(first, first + count):
                leases.enter_context(socket.socket(socket.AF_UNIX)).bind(f"\0photogate-test-port-{port}")
                probes.enter_context(socket.socket()).bind(("127.0.0.1", port))
            _leases.append(leases.pop_all())
            if len(_leases) > 256:  # whoever asked so long ago listens by now
                _leases.pop(0).close()
            return first


def wait_until(condition, seconds, what, alive=lambda: True):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        if not alive():
            raise StackError(f"{what}: the process ended")
        time.sleep(0.02)
    raise StackError(f"{what}: not within {seconds} s")


def spawn(command, death_signal, **options):
    """A child that gets `death_signal` when this process dies. Signals wait meanwhile: Python runs hooks of its own after a fork
    (logging's), which swallow what a handler raises."""
    parent = os.getpid()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)

    def prepare():
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        _libc.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() != parent:  # it died between fork and prctl
            os._exit(1)

    try:
        return subprocess.Popen(command, preexec_fn=prepare, **options)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def tail(path, lines=15):
    try:
        return "\n".join(pathlib.Path(path).read_text(errors="replace").splitlines()[-lines:])
    except OSError as error:
        return str(error)


class Child:
    """One child process with its log; its own session, so that a terminal's Ctrl-C reaches it through us, in order."""

    name = "child"
    death_signal = signal.SIGKILL

    def __init__(self, log):
        self.log = pathlib.Path(log)
        self.process = None

    def _spawn(self, command, env=None, user=None, cwd="/"):
        identity = {}
        if user is not None:
            identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        with open(self.log, "ab") as log:
            self.process = spawn(command, self.death_signal, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, cwd=cwd,
                                 start_new_session=True, **identity)

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self):
        return self.process.pid if self.running else None

    def _end(self, first_signal, patience):
        if self.process is None:
            return
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGCONT)
                self.process.send_signal(first_signal)
            try:
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def pause(self):
        """SIGSTOP: it is there, takes connections, and says nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def restart(self):
        self.stop()
        self.start()


class Interrupted(BaseException):
    def __init__(self, number):
        super().__init__(signal.Signals(number).name)
        self.number = number


@contextlib.contextmanager
def interrupts():
    """Turns SIGTERM, SIGHUP and SIGINT into an Interrupted that unwinds `with` blocks."""
    def interrupt(number, _):
        for each in ENDING:
            signal.signal(each, signal.SIG_IGN)  # the clean-up is not to be cut short by a second one
        raise Interrupted(number)

    before = {number: signal.signal(number, interrupt) for number in ENDING}
    try:
        yield
    finally:
        for number, action in before.items():
            signal.signal(number, action)
