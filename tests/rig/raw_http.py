"""A client that sends exactly the given bytes, over TCP or TLS, and reads the answers without trusting them."""
import contextlib
import json
import socket
import ssl
import typing


class Answer(typing.NamedTuple):
    status: int
    headers: dict
    body: bytes

    @property
    def code(self):
        """A problem's code, or ""."""
        with contextlib.suppress(ValueError, UnicodeDecodeError, AttributeError):
            return json.loads(self.body).get("code", "")
        return ""


class Raw:
    """`source`: the local address to connect from. `tls`: the server name, over TLS. `first`: bytes before TLS begins."""

    def __init__(self, port, source=None, tls=None, timeout=20, first=b""):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout, source_address=(source, 0) if source else None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(first)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # the test's own certificate
            self.socket = context.wrap_socket(self.socket, server_hostname=tls)
        self.got = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        """False if the peer has already disconnected."""
        try:
            self.socket.sendall(data)
            return True
        except OSError:
            return False

    def _more(self):
        try:
            data = self.socket.recv(65_536)
        except (ConnectionResetError, ssl.SSLEOFError, BrokenPipeError):
            return False
        self.got += data
        return bool(data)

    def receive(self, method="GET"):
        """The next answer; None at the connection's end."""
        while b"\r\n\r\n" not in self.got:
            if not self._more():
                return None
        head, self.got = self.got.split(b"\r\n\r\n", 1)
        first, *lines = head.decode("latin-1").split("\r\n")
        status = int(first.split(" ")[1])
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
        if method == "HEAD" or status in (204, 304) or status < 200:
            return Answer(status, headers, b"")
        if headers.get("transfer-encoding") == "chunked":
            return Answer(status, headers, self._chunks())
        if "content-length" in headers:
            return Answer(status, headers, self._exactly(int(headers["content-length"])))
        while self._more():
            pass
        body, self.got = self.got, b""
        return Answer(status, headers, body)

    def _exactly(self, size):
        while len(self.got) < size:
            if not self._more():
                raise EOFError("the body ended early")
        body, self.got = self.got[:size], self.got[size:]
        return body

    def _chunks(self):
        body = b""
        while True:
            while b"\r\n" not in self.got:
                if not self._more():
                    raise EOFError("a chunk ended early")
            line, self.got = self.got.split(b"\r\n", 1)
            size = int(line, 16)
            body += self._exactly(size)
            self._exactly(2)
            if size == 0:
                return body

    def ask(self, data, method="GET"):
        self.send(data)
        return self.receive(method)

    def at_end(self):
        """Waits for the peer to close; False if more bytes arrived instead."""
        return not self.got and not self._more() and not self.got
