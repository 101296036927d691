"""A callback receiver that misbehaves below HTTP: it drips, never ends, uses a bad certificate, counts connections."""
import contextlib
import socket
import ssl
import subprocess
import threading
import time


class Sink:
    """`handle(connection, head, body)` answers one request; the connection is closed afterwards."""

    def __init__(self, handle=None, port=0, certificate=None):
        self.handle = handle or respond(204)
        self.requests = []   # (when, head, body)
        self.connections = 0
        self.now = self.most = 0
        self.plain = []      # what arrived before, or instead of, a successful TLS handshake
        self._lock = threading.Lock()
        self._tls = None
        if certificate:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(*certificate)
        self._listener = socket.create_server(("127.0.0.1", port), backlog=256)
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def url(self, host="127.0.0.1", path="/hooks"):
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}{path}"

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with self._lock:
            self.connections += 1
            self.now += 1
            self.most = max(self.most, self.now)
        try:
            connection.settimeout(60)
            if self._tls:
                try:
                    connection = self._tls.wrap_socket(connection, server_side=True)
                except (ssl.SSLError, OSError):
                    return
            head, body = read_request(connection)
            with self._lock:
                self.requests.append((time.time(), head, body))
            self.handle(connection, head, body)
        except (OSError, ValueError):
            pass
        finally:
            with contextlib.suppress(OSError):
                connection.close()
            with self._lock:
                self.now -= 1

    def close(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def read_request(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            raise ValueError("the request ended in its head")
        data += piece
    head, body = data.split(b"\r\n\r\n", 1)
    length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        piece = connection.recv(65536)
        if not piece:
            raise ValueError("the request ended in its body")
        body += piece
    return head, body


def respond(status, headers=None, body=b"", after=0.0):
    lines = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    answer = f"HTTP/1.1 {status} Made\r\n{lines}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body

    def handle(connection, _head, _body):
        if after:
            time.sleep(after)
        connection.sendall(answer)

    return handle


def drip(per_second=1):
    def handle(connection, _head, _body):
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 1000:
            connection.sendall(bytes([byte]))
            time.sleep(1 / per_second)

    return handle


def endless(total=1 << 30):
    def handle(connection, _head, _body):
        connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {total}\r\n\r\n".encode())
        piece = b"x" * 65536
        for _ in range(total // len(piece)):
            connection.sendall(piece)

    return handle


class Authority:
    """A certificate authority for one test, by the openssl program."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.ca, self.ca_key = folder / "ca.pem", folder / "ca.key"
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.ca_key, "-out", self.ca, "-days", "2", "-subj", "/CN=Test CA")

    def _openssl(self, *words, text=None):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, input=text, text=True)

    def issue(self, name, host, days=2, self_signed=False):
        """(certificate, key) for a host. `days` may be negative: expired."""
        key, request, certificate = (self.folder / f"{name}.{end}" for end in ("key", "csr", "pem"))
        self._openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj", f"/CN={host}")
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName=DNS:{host}\n")
        signer = ["-signkey", key] if self_signed else ["-CA", self.ca, "-CAkey", self.ca_key, "-CAcreateserial"]
        self._openssl("x509", "-req", "-in", request, "-out", certificate, "-days", days, "-extfile", extensions, *signer)
        return certificate, key
