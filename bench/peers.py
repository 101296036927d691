"""imgproxy, imagor and thumbor as their users install and start them: each for one folder of pictures, on loopback. And tusd, which
takes uploads: tests/e2e/test_phone_network.py has it beside photogate.

    python3 bench/peers.py      installs what is missing into build/bench/peers, and prints what there is

go builds imgproxy and imagor with Debian's libvips-dev, and tusd; pip installs thumbor into an environment of its own.
"""
import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from harness import ROOT, NotMeasured

from tests.rig import stack as parts

FOLDER = pathlib.Path(os.environ.get("PHOTOGATE_PEERS") or ROOT / "build" / "bench" / "peers")
IMGPROXY, IMAGOR, THUMBOR, TUSD = "v3.31.4", "v1.4.15", "7.8.0", "v2.8.0"
QUALITY = 82  # one of version_qualities, so that it is the same for all


def run(command, name, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=1_800, **options)
    if done.returncode != 0:
        raise NotMeasured(f"{name} could not be installed: {done.stderr.strip()[-300:]}")


def _built(name, module, version, package):
    """Built from within a module that requires it, since `go install` by name and version is refused for imgproxy's."""
    program = FOLDER / "bin" / name
    if not program.exists():
        folder = FOLDER / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "go.mod").write_text(f"module peer\n\ngo 1.26.0\n\nrequire {module} {version}\n")
        (folder / "peer.go").write_text(f'package peer\n\nimport _ "{package}"\n')
        run(["go", "build", "-o", program, package], name, cwd=folder,
             env=os.environ | {"GOFLAGS": "-mod=mod", "GONOSUMDB": "github.com/aws/amazon-s3-encryption-client-go/*"})
    return program


def imgproxy():
    return _built("imgproxy", "github.com/imgproxy/imgproxy/v3", IMGPROXY, "github.com/imgproxy/imgproxy/v3")


def imagor():
    return _built("imagor", "github.com/cshum/imagor", IMAGOR, "github.com/cshum/imagor/cmd/imagor")


def tusd():
    return _built("tusd", "github.com/tus/tusd/v2", TUSD, "github.com/tus/tusd/v2/cmd/tusd")


def thumbor():
    program = FOLDER / "thumbor" / "bin" / "thumbor"
    if not program.exists():
        run([sys.executable, "-m", "venv", FOLDER / "thumbor"], "thumbor")
        run([FOLDER / "thumbor" / "bin" / "pip", "install", "--quiet", f"thumbor=={THUMBOR}"], "thumbor")
    return program


def listens(port):
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    return False


class Peer:
    """One that runs, as that process and its children: `path(name, width)` is where a picture of the folder is in a width."""

    def __init__(self, name, url, path, process):
        self.name, self.url, self.path, self.process = name, url, path, process


@contextlib.contextmanager
def started(bench, name, pictures):
    port, metrics = parts.free_port(), parts.free_port()
    if name == "imgproxy":
        command = [imgproxy()]
        settings = {"IMGPROXY_BIND": f"127.0.0.1:{port}", "IMGPROXY_LOCAL_FILESYSTEM_ROOT": str(pictures), "IMGPROXY_WORKERS": "2",
                    "IMGPROXY_LOG_LEVEL": "warn", "IMGPROXY_PROMETHEUS_BIND": f"127.0.0.1:{metrics}"}
        shown = "IMGPROXY_LOCAL_FILESYSTEM_ROOT=$TMP/pictures IMGPROXY_WORKERS=2 imgproxy"

        def path(source, width):
            return f"/insecure/rs:fit:{width}:{width}/q:{QUALITY}/plain/local:///{source}@jpg"
    elif name == "imagor":
        command, settings = [imagor(), "-bind", f"127.0.0.1:{port}", "-imagor-unsafe", "-file-loader-base-dir", pictures], {}
        shown = "imagor -imagor-unsafe -file-loader-base-dir $TMP/pictures"

        def path(source, width):
            return f"/unsafe/fit-in/{width}x{width}/filters:quality({QUALITY})/{source}"
    else:
        configuration = bench.folder / "thumbor.conf"
        configuration.write_text(f"LOADER = 'thumbor.loaders.file_loader'\nFILE_LOADER_ROOT_PATH = '{pictures}'\nSTORAGE = 'thumbor.storages.no_storage'\n"
                                 f"RESULT_STORAGE = 'thumbor.result_storages.no_storage'\nALLOW_UNSAFE_URL = True\nSECURITY_KEY = 'peer'\nQUALITY = {QUALITY}\n")
        command, settings = [thumbor(), "-i", "127.0.0.1", "-p", port, "-c", configuration, "--processes", 2, "-l", "error"], {}
        shown = "thumbor -c thumbor.conf --processes 2   # file_loader, no storages, QUALITY 82"

        def path(source, width):
            return f"/unsafe/fit-in/{width}x{width}/{source}"
    with bench.server(command, env=os.environ | settings) as (child, log):
        parts.wait_until(lambda: listens(port), 30, name, lambda: child.poll() is None)
        bench.show(shown)
        yield Peer(name, f"http://127.0.0.1:{port}", path, child.pid)


if __name__ == "__main__":
    if not shutil.which("go"):
        sys.exit("bench/peers.py: go is missing")
    for install in (imgproxy, imagor, thumbor, tusd):
        print(install())
