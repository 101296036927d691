"""A collector of traces: takes OTLP over HTTP and decodes it with OpenTelemetry's own messages.

    with Collector() as collector:
        ...                                  # [tracing] endpoint = collector.url
        spans = collector.wait_for(trace_id, {"process", "POST"})
"""
import dataclasses
import gzip
import http.server
import threading
import time

from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.trace.v1 import trace_pb2


@dataclasses.dataclass
class Span:
    trace: str
    id: str
    parent: str  # empty: a root
    name: str
    kind: str  # server, client, consumer, internal
    start: int  # nanoseconds since 1970
    end: int
    attributes: dict
    failed: bool
    state: str
    resource: dict
    scope: str


def _value(value):
    return getattr(value, value.WhichOneof("value"))


def _attributes(listed):
    return {each.key: _value(each.value) for each in listed}


class Spans:
    """What a collector has: `spans`."""

    def of(self, trace):
        return [span for span in self.spans if span.trace == trace]

    def wait_for(self, trace, names, seconds=30):
        """The trace's spans, once these names are among them, each as often as it is listed."""
        deadline = time.monotonic() + seconds
        while True:
            spans = self.of(trace)
            there = sorted(span.name for span in spans)
            if all(there.count(name) >= list(names).count(name) for name in names):
                return spans
            assert time.monotonic() < deadline, f"the collector has {there}, and not all of {sorted(names)}"
            time.sleep(0.05)


class Collector(Spans):
    """`answer(body)` may return a status in place of 200, after as long as it likes."""

    def __init__(self, answer=None):
        self.answer = answer or (lambda body: 200)
        self.spans, self.requests = [], []
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                collector.requests.append((self.path, dict(self.headers)))
                status = collector.answer(body)
                if status == 200:
                    collector._keep(gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
                answer = trace_service_pb2.ExportTraceServiceResponse().SerializeToString() if status == 200 else b""
                try:
                    self.send_response(status)
                    self.send_header("content-type", "application/x-protobuf")
                    self.send_header("content-length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)
                except OSError:
                    self.close_connection = True

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def _keep(self, body):
        message = trace_service_pb2.ExportTraceServiceRequest.FromString(body)
        found = []
        for resource in message.resource_spans:
            about = _attributes(resource.resource.attributes)
            for scope in resource.scope_spans:
                for span in scope.spans:
                    kind = trace_pb2.Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower()
                    found.append(Span(span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex(), span.name, kind, span.start_time_unix_nano,
                                      span.end_time_unix_nano, _attributes(span.attributes),
                                      span.status.code == trace_pb2.Status.STATUS_CODE_ERROR, span.trace_state, about, scope.scope.name))
        self.spans.extend(found)

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
