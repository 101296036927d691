"""Resumable uploads as clients speak them, request by request: tus 1.0.0 and the IETF draft."""
import contextlib
import hashlib
import http.client
import socket
import socketserver
import ssl
import threading
import time
import typing
import urllib.parse

TUS = {"Tus-Resumable": "1.0.0"}
TUS_CONTENT = {**TUS, "Content-Type": "application/offset+octet-stream"}
VERSIONS = (3, 5, 6, 8)


class Reply(typing.NamedTuple):
    status: int
    headers: dict  # names in lower case
    body: bytes
    interim: tuple = ()  # of (status, headers)

    @property
    def offset(self):
        return int(self.headers["upload-offset"]) if "upload-offset" in self.headers else None


def absolute(world, url, gateway=None):
    """A URL of the gateway, whether or not it is told its public name; `gateway`: another than the world's."""
    path = urllib.parse.urlsplit(url).path
    return f"http://127.0.0.1:{(gateway or world.gateway).port}{path}"


def url_of(world, created, gateway=None):
    return absolute(world, created["upload"]["resumable"]["url"], gateway)


def behind(front, url):
    """The same URL through a proxy in front of the gateway."""
    return f"https://127.0.0.1:{front.tls_port}{urllib.parse.urlsplit(url).path}"


def unverified():
    """For the tests' own certificates."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def call(method, url, headers=None, body=None, chunked=False, source=None):
    """`source`: the local address to connect from."""
    target = urllib.parse.urlsplit(url)
    options = {"timeout": 60, "source_address": (source, 0) if source else None}
    connection = http.client.HTTPSConnection(target.netloc, context=unverified(), **options) if target.scheme == "https" else \
        http.client.HTTPConnection(target.netloc, **options)
    try:
        connection.request(method, target.path, iter([body]) if chunked else body, dict(headers or {}), encode_chunked=chunked)
        answer = connection.getresponse()
        return Reply(answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read())
    finally:
        connection.close()


def head(url, headers=TUS):
    return call("HEAD", url, headers)


def patch(url, offset, data, headers=TUS_CONTENT, **options):
    return call("PATCH", url, {**headers, "Upload-Offset": str(offset)}, data, **options)


class Open:
    """A connection on which a request's head has been sent, and as much of its content as the test wants."""

    def __init__(self, method, url, headers, length=None):
        target = urllib.parse.urlsplit(url)
        self.socket = socket.create_connection((target.hostname, target.port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if target.scheme == "https":
            self.socket = unverified().wrap_socket(self.socket)
        lines = [f"{method} {target.path} HTTP/1.1", f"Host: {target.netloc}", *(f"{name}: {value}" for name, value in headers.items())]
        if length is not None:
            lines.append(f"Content-Length: {length}")
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self.got = b""

    def send(self, data):
        self.socket.sendall(data)
        return self

    def _head(self):
        while b"\r\n\r\n" not in self.got:
            more = self.socket.recv(65_536)
            if not more:
                return None
            self.got += more
        text, self.got = self.got.split(b"\r\n\r\n", 1)
        first, *lines = text.decode().split("\r\n")
        fields = dict(line.split(": ", 1) for line in lines)
        return int(first.split(" ")[1]), {name.lower(): value for name, value in fields.items()}

    def interim(self):
        """The next interim answer."""
        found = self._head()
        assert found and found[0] < 200, found
        return found

    def answer(self):
        """The final answer, with the interim ones before it; None where the connection ends without one."""
        interim = []
        with contextlib.suppress(ConnectionError):
            while found := self._head():
                if found[0] >= 200:
                    length = int(found[1].get("content-length", 0))
                    while len(self.got) < length:
                        self.got += self.socket.recv(65_536)
                    return Reply(*found, self.got[:length], tuple(interim))
                interim.append(found)
        return None

    def close(self):
        """Without a word, as a phone's network ends."""
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def cut(url, offset, data, after, headers=TUS_CONTENT, method="PATCH"):
    """Promises all of `data` and sends its first bytes."""
    fields = {**headers, "Upload-Offset": str(offset)} if method == "PATCH" else headers
    with Open(method, url, fields, len(data)) as connection:
        connection.send(data[:after])


def offset_once(url, at_least, headers=TUS, seconds=60):
    """The offset as soon as it is at least this; what was sent on a cut connection takes its time to arrive."""
    until = time.monotonic() + seconds
    while True:
        found = head(url, headers)
        assert found.status in (200, 204), found
        if found.offset >= at_least or time.monotonic() > until:
            return found.offset
        time.sleep(0.5)


def draft(version, **fields):
    return {"Upload-Draft-Interop-Version": str(version), **fields}


def completeness(version, complete):
    """The field that says whether this content is the last."""
    return {"Upload-Incomplete": "?0" if complete else "?1"} if version == 3 else {"Upload-Complete": "?1" if complete else "?0"}


def is_complete(version, reply):
    return reply.headers["upload-incomplete"] == "?0" if version == 3 else reply.headers["upload-complete"] == "?1"


def draft_patch(version, url, offset, data, complete):
    return call("PATCH", url, {**draft(version), **completeness(version, complete), "Content-Type": "application/partial-upload", "Upload-Offset": str(offset)}, data)


def chunks_at_the_store(world, created):
    """The keys of the chunks that the store has of an upload."""
    from tests.rig import parts as large
    page = large.administrator(world).list_objects_v2(Bucket=world.stack.minio.incoming, Prefix=f"r/{created['id']}/")
    return [each["Key"] for each in page.get("Contents", [])]


def is_published(world, created, data, seconds=60):
    published = world.gateway.wait_for(created, seconds)
    assert published["state"] == "published", published
    assert (published["size"], published["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    return published


class CuttingRelay:
    """A network that ends connections: the nth is cut once its client has sent so many bytes; further ones are left alone."""

    def __init__(self, port, cut_after):
        self.port_behind, self.cut_after, self.cuts = port, list(cut_after), 0
        relay = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                relay.carry(self.request)

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def carry(self, client):
        left = self.cut_after.pop(0) if self.cut_after else None
        with socket.create_connection(("127.0.0.1", self.port_behind)) as behind:
            back = threading.Thread(target=self.pour, args=(behind, client), daemon=True)
            back.start()
            with contextlib.suppress(OSError):
                while data := client.recv(65_536 if left is None else min(left, 65_536)):
                    behind.sendall(data)
                    if left is not None:
                        left -= len(data)
                        if left == 0:
                            self.cuts += 1
                            break
            for each in (behind, client):
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
            back.join()

    @staticmethod
    def pour(source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def url(self, url):
        """The same URL through the relay."""
        return f"http://127.0.0.1:{self.port}{urllib.parse.urlsplit(url).path}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
