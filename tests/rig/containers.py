"""podman for the tests, on a machine that has no registry and need not have cgroups of its own: images are made here, from a base of
mmdebstrap, and containers run by crun.

As root. What is made stays in podman's store under localhost/photogate-test-…, so that the next run takes seconds.

PHOTOGATE_CONTAINER_BUILDER: an image that has what scripts/install-dependencies installs, to compile in; without it the base is one, and the
first build installs some 500 packages.
PHOTOGATE_CONTAINER_COMPILE=1: compile from nothing; without it the build continues from the release's folder, of which it gets a copy.
"""
import contextlib
import fcntl
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import tempfile

from scripts import local_gateway
from tests.rig import stack as parts
from tests.rig.stack.minio import _minio_binary
from tests.rig.world import release_build

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BASE = "localhost/photogate-test-base:bookworm"
TOOLS = ("podman", "crun", "mmdebstrap", "netavark")
# As docs/containers.md runs it.
HARDENED = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
GO_PATH = f"{os.environ['PATH']}:/usr/local/go/bin:/usr/lib/go/bin"
UNIFIED = pathlib.Path("/sys/fs/cgroup/unified")


def _go_root():
    return pathlib.Path(subprocess.run(["go", "env", "GOROOT"], capture_output=True, text=True, check=True, env={**os.environ, "PATH": GO_PATH}).stdout.strip())


@contextlib.contextmanager
def one_at_a_time():
    """Test processes that run side by side make the same images: the second finds them made."""
    with open(pathlib.Path("/var/tmp/photogate-test-images.lock"), "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def missing():
    """Why containers can't be run here; empty if they can."""
    if os.geteuid() != 0:
        return "containers are run as root"
    absent = [name for name in TOOLS if not shutil.which(name) and not pathlib.Path("/usr/lib/podman", name).exists()]
    return f"not installed: {', '.join(absent)} (scripts/install-dependencies drills)" if absent else ""


class Podman:
    """Runs podman in a mount namespace of its own, where it finds cgroups of one version. Containers get no cgroup, since not every machine
    lets a test make one; their other walls are podman's defaults. With `own_network` the ports that they publish are in a network namespace of
    its own, out of which nothing leads; what is to reach them is started with enter()."""

    def __init__(self, own_network=False):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="photogate-podman-"))
        # Podman's own defaults are higher than what a test may give itself.
        limits = [f"{name}={limit}:{limit}" for name, which in (("nofile", resource.RLIMIT_NOFILE), ("nproc", resource.RLIMIT_NPROC))
                  for limit in [min(hard for hard in (resource.getrlimit(which)[1], 16_384) if hard != resource.RLIM_INFINITY)]]
        config = self.folder / "containers.conf"
        config.write_text("\n".join(["[containers]", 'cgroups = "disabled"', f"default_ulimits = {limits}", "[engine]", 'runtime = "crun"',
                                     'cgroup_manager = "cgroupfs"', 'events_logger = "file"', ""]))
        self.environment = {**os.environ, "CONTAINERS_CONF": str(config), "BUILDAH_ISOLATION": "chroot"}
        # crun refuses a machine that has both versions of cgroups; in this namespace there is one.
        hide = "mount -t cgroup2 none /sys/fs/cgroup" if UNIFIED.is_dir() else "true"
        connect = "ip link set lo up" if own_network else "true"
        self._own = ["--net"] if own_network else []
        self._namespace = parts.spawn(["unshare", "--mount", "--propagation", "private", *self._own, "sh", "-c", f"{hide} && {connect} && echo ready && exec sleep infinity"],
                                      signal.SIGKILL, stdout=subprocess.PIPE, text=True)
        if self._namespace.stdout.readline() != "ready\n":
            raise parts.StackError("no mount namespace for podman")

    def enter(self, folder=ROOT):
        """What a command begins with that runs in podman's namespaces."""
        return ["nsenter", "--target", str(self._namespace.pid), "--mount", *self._own, f"--wd={folder}"]

    def command(self, *arguments):
        return [*self.enter(), "podman", *map(str, arguments)]

    def __call__(self, *arguments, check=True, timeout=120, **options):
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=timeout, env=self.environment, **options)
        if check and done.returncode != 0:
            raise parts.StackError(f"podman {' '.join(map(str, arguments))}: exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
        return done

    def path(self):
        """A folder whose `podman` is this one, for programs that call it."""
        folder = self.folder / "bin"
        folder.mkdir(exist_ok=True)
        program = folder / "podman"
        program.write_text("#!/bin/sh\nexec " + " ".join([*self.enter('"$PWD"'), shutil.which("podman")]) + ' "$@"\n')
        program.chmod(0o755)
        return folder

    def close(self):
        self._namespace.kill()
        self._namespace.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def has(self, image):
        return self("image", "exists", image, check=False).returncode == 0

    def base(self):
        """Debian 12 as mmdebstrap makes it, from the mirrors that apt uses here; as Debian's image on registries, dpkg does not wait for the disk."""
        if self.has(BASE):
            return BASE
        told = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)", "Identifier: Packages", "Component: main"],
                              capture_output=True, text=True, check=True).stdout
        wanted = ("bookworm", "bookworm-updates", "bookworm-security")
        lines = sorted({f"deb {site} {codename} main" for site, codename in map(str.split, told.splitlines()) if codename in wanted})
        archive = self.folder / "base.tar"
        subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", "--include=ca-certificates",
                        "--customize-hook=echo force-unsafe-io >$1/etc/dpkg/dpkg.cfg.d/unsafe-io", "bookworm", archive, *lines], check=True, timeout=900)
        self("import", archive, BASE, timeout=600)
        archive.unlink()
        return BASE

    def imported(self, tag, base, architecture=None):
        """A debian_chroot.Base as an image, of this machine's architecture or another; gives its name."""
        name = f"localhost/photogate-test-{tag}:{base.make().folder.name}"
        with one_at_a_time():
            if not self.has(name):
                archive = self.folder / "base.tar"
                subprocess.run(["tar", "--create", "--file", archive, "--numeric-owner", "--one-file-system", "--directory", base.folder, "."], check=True)
                self("import", *(["--arch", architecture] if architecture else []), archive, name, timeout=900)
                archive.unlink()
        return name

    def build(self, tag, *arguments, file="Containerfile", context=ROOT, timeout=3600, **build_arguments):
        """Builds an image; gives its name."""
        name = f"localhost/photogate-test-{tag}"
        words = [word for key, value in build_arguments.items() for word in ("--build-arg", f"{key}={value}")]
        self("build", "--format", "docker", "--layers", "--network", "host", "--file", pathlib.Path(context, file), "--tag", name, *words, *arguments, context,
             timeout=timeout)
        return name

    def photogate(self, target="gateway"):
        """The image of that stage of Containerfile."""
        with one_at_a_time():
            return self._photogate(target, self.base())

    def _photogate(self, target, base):
        with self.compiled() as words:
            return self.build(target, "--target", target, *words, BASE=base, BUILDER=os.environ.get("PHOTOGATE_CONTAINER_BUILDER") or base)

    @contextlib.contextmanager
    def compiled(self):
        """The words of a build that goes on where the release was compiled: what ninja finds up to date it does not compile, so this is the program
        that the other tests run, with the image's libraries."""
        if os.environ.get("PHOTOGATE_CONTAINER_COMPILE"):
            yield ["--build-arg", f"SOURCE={ROOT}", "--build-arg", "CMAKE_OPTIONS=-DCMAKE_COMPILE_WARNING_AS_ERROR=ON"]
            return
        release = self.folder / "release"
        try:
            subprocess.run(["cp", "--archive", release_build(), release], check=True)
            yield ["--build-arg", f"SOURCE={ROOT}", "--volume", f"{release}:{ROOT}/build/release"]
        finally:
            shutil.rmtree(release, ignore_errors=True)

    def postgres(self):
        """In place of the official image."""
        with one_at_a_time():
            return self.build("postgres", file="postgres.Containerfile", context=ROOT / "tests" / "rig" / "images", BASE=self.base())

    def minio(self):
        """etc/container/minio.Containerfile, with the binaries that scripts/install-stores has made here."""
        folder = self.folder / "go"
        compiler = _go_root()
        (folder / "bin").mkdir(parents=True)
        (folder / "go" / "bin").mkdir(parents=True)
        (folder / "go" / "pkg" / "tool").mkdir(parents=True)
        shutil.copy2(compiler / "bin" / "go", folder / "go" / "bin")
        shutil.copy2(compiler / "VERSION", folder / "go")
        for name in ("minio", "mc"):
            shutil.copy2(pathlib.Path(_minio_binary()).parent / name, folder / "bin")
        shutil.copy2(ROOT / "tests" / "rig" / "images" / "go.Containerfile", folder)
        try:
            with one_at_a_time():
                golang = self.build("go", file="go.Containerfile", context=folder, BASE=self.base())
                return self.build("minio", file="etc/container/minio.Containerfile", GOLANG=golang, BASE=self.base())
        finally:
            shutil.rmtree(folder)


class ContainerGateway(local_gateway.Gateway):
    """photogate in a container, with a root that can't be written to and no capability, on a Stack of this machine."""

    def __init__(self, podman, image, name, world, role="all", options=()):
        super().__init__(release_build(), world.gateway.folder / name, world.stack, parts.free_port(), parts.free_port(),
                         list(world.gateway.apps.values()), world.extra, role)
        self.podman, self.image, self.name, self.options = podman, image, f"photogate-test-{os.getpid()}-{name}", options
        self.sockets = world.stack.postgres.sockets
        self.environment = podman.environment
        self.open_to_container()

    def open_to_container(self):
        """The user in the container is another than ours, and than the stack's."""
        os.chmod(self.config, 0o644)
        os.chmod(self.sockets, 0o755)
        os.chmod(self.sockets / ".s.PGSQL.5432", 0o777)

    def command(self):
        return self.podman.command("run", "--rm", "--name", self.name, "--network", "host", "--no-healthcheck", *HARDENED,
                                   "--env", f"PHOTOGATE_HEALTH_PORT={self.metrics_port}",
                                   "--volume", f"{self.config}:/etc/photogate/photogate.toml:ro", "--volume", f"{self.sockets}:{self.sockets}",
                                   *self.options, self.image, self.role)

    def inside(self, *command, check=True):
        return self.podman("exec", self.name, *command, check=check)

    def health(self):
        """(exit code, words) of the image's own health check."""
        done = self.inside("/usr/libexec/photogate/healthcheck", check=False)
        return done.returncode, done.stdout.strip()
