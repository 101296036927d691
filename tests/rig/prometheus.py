"""A Prometheus of Debian's that scrapes every second, and traffic that moves what photogate exports.

    with Prometheus(folder, [f"127.0.0.1:{world.metrics_port}"], rules=RULES) as prometheus:
        prometheus.query("photogate_build_info")
"""
import http.client
import json
import urllib.error
import urllib.parse
import urllib.request

from scripts import unpacked
from tests.rig import stack as parts
from tests.rig.traffic import JUNK


def program(name):
    """`prometheus` or `promtool`."""
    return unpacked.program("prometheus", f"usr/bin/{name}")


class Prometheus(parts.Child):
    name = "Prometheus"

    def __init__(self, folder, targets, rules=None):
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(folder / "prometheus.log")
        self.folder, self.port = folder, parts.free_port()
        (folder / "prometheus.yml").write_text(json.dumps({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "rule_files": [str(rules)] if rules else [],
            "scrape_configs": [{"job_name": "photogate", "static_configs": [{"targets": targets}]}]}))

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        self._spawn([str(program("prometheus")), f"--config.file={self.folder / 'prometheus.yml'}",
                     f"--storage.tsdb.path={self.folder / 'data'}", f"--web.listen-address=127.0.0.1:{self.port}"], env={"PATH": "/usr/bin:/bin"}, cwd=self.folder)
        parts.wait_until(lambda: self.query("vector(1)") is not None, 60, "Prometheus", lambda: self.running)
        return self

    def __exit__(self, *_):
        self._end(15, 10)

    def query(self, expression):
        """The series that it gives now; None while there is no answer. What can't be parsed fails."""
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/query?{urllib.parse.urlencode({'query': expression})}", timeout=10) as answer:
                return json.load(answer)["data"]["result"]
        except urllib.error.HTTPError as error:
            if error.code == 503:
                return None
            raise AssertionError(f"{expression}: {error.read().decode()}") from None
        except (OSError, http.client.HTTPException):
            return None

    def rules(self):
        """{alert: what its last evaluation came to}."""
        with urllib.request.urlopen(f"{self.url}/api/v1/rules", timeout=10) as answer:
            return {rule["name"]: rule for group in json.load(answer)["data"]["groups"] for rule in group["rules"]}


def some_of_everything(world, photo):
    """Moves every figure of an undisturbed installation once."""
    upload = world.publish(photo)
    assert world.gateway.wait_for(world.upload(JUNK))["state"] == "rejected"
    path = "/i/" + upload["links"]["image"].rsplit("/", 1)[1]
    for query in ("", "?width=160", "?width=160"):
        assert world.gateway.request("GET", path + query)[0] == 200
    status, _, package = world.request("POST", "/v1/packages", {"items": [upload["id"]]})
    assert status == 202, package
    assert world.gateway.request("GET", "/" + package["url"].split("/", 3)[3])[0] == 200
    world.receiver.wait_for_upload(upload["id"], "upload.published")
    return upload
