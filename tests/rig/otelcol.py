"""OpenTelemetry's own collector (scripts/install-collector): takes OTLP over HTTP, and writes what it took into a file.

    with OpenTelemetryCollector(folder) as collector:
        ...                                  # [tracing] endpoint = collector.url
        spans = collector.wait_for(trace_id, {"process", "POST"})
"""
import json
import os
import pathlib

from tests.rig import stack as parts
from tests.rig.collector import Span, Spans

PROGRAM = pathlib.Path(os.environ.get("PHOTOGATE_TOOLS") or
                       pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "photogate" / "bin") / "otelcol"
KINDS = ["unspecified", "internal", "server", "client", "producer", "consumer"]
ERROR = 2


def _attributes(listed):
    def value(one):
        ((kind, held),) = one.items()
        return int(held) if kind == "intValue" else held  # JSON has 64 bits as text

    return {each["key"]: value(each["value"]) for each in listed}


class OpenTelemetryCollector(Spans, parts.Child):
    """`receiver`: settings of its HTTP server, as max_request_body_size and tls."""

    name = "otelcol"

    def __init__(self, folder, host="127.0.0.1", **receiver):
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(folder / "otelcol.log")
        self.folder, self.port, self.file = folder, parts.free_port(), folder / "traces.json"
        self.host, self.tls = host, "tls" in receiver
        # YAML has JSON in it.
        (folder / "otelcol.yaml").write_text(json.dumps({
            "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{self.port}", **receiver}}}},
            "exporters": {"file": {"path": str(self.file), "append": True, "flush_interval": "100ms"}},
            "service": {"pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["file"]}}}}))

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"

    def start(self):
        before = len(self.words())
        self._spawn([str(PROGRAM), "--config", f"file:{self.folder / 'otelcol.yaml'}"], env={"PATH": "/usr/bin:/bin"}, cwd=self.folder)
        try:
            parts.wait_until(lambda: "Everything is ready" in self.words()[before:], 60, "otelcol", lambda: self.running)
        except parts.StackError as error:
            raise parts.StackError(f"{error}\n{parts.tail(self.log)}") from None
        return self

    def stop(self):
        """What it took is in the file then."""
        self._end(15, 20)

    def words(self):
        return self.log.read_text() if self.log.exists() else ""

    @property
    def spans(self):
        """Those that are in the file now. A line that is still being written is none."""
        found = []
        for line in self.file.read_text().splitlines(keepends=True) if self.file.exists() else []:
            if not line.endswith("\n"):
                continue
            for resource in json.loads(line)["resourceSpans"]:
                about = _attributes(resource["resource"]["attributes"])
                for scope in resource["scopeSpans"]:
                    found += [Span(span["traceId"], span["spanId"], span.get("parentSpanId", ""), span["name"], KINDS[span["kind"]],
                                   int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"]), _attributes(span.get("attributes", [])),
                                   span.get("status", {}).get("code") == ERROR, span.get("traceState", ""), about, scope["scope"]["name"])
                              for span in scope["spans"]]
        return found

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
