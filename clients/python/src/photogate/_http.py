"""One HTTP exchange, with the standard library: bodies in pieces, with progress, and answers that arrive before a body has been sent."""
from __future__ import annotations

import datetime
import email.utils
import http.client
import math
import random
import ssl
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from .errors import AbortedError, NetworkError

MOST_ANSWER = 64 << 20
"""Bytes of an answer; a page of 200 uploads is far below."""
RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses that another attempt may change."""
PIECE = 64 << 10


@dataclass
class Answer:
    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def retry_after(self) -> float | None:
        """Seconds from now; None where the answer says nothing that can be read."""
        text = self.headers.get("retry-after", "").strip()
        if text.isascii() and text.isdecimal():
            return float(text[:9])
        try:
            return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
        except (ValueError, TypeError):
            return None


@dataclass(frozen=True)
class Retry:
    """How often and how long: the nth pause is half to all of `base * 2**n` seconds, at most `most`.

    A longer pause that the server asks for by Retry-After is kept, up to `most_retry_after`; beyond it the error is raised at once,
    and has the time in `retry_after`.
    """

    attempts: int = 6
    base: float = 0.5
    most: float = 30.0
    most_retry_after: float = 60.0
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    def pause(self, failures: int, retry_after: float | None = None, abort: threading.Event | None = None) -> None:
        seconds = min(self.most, self.base * 2 ** min(failures, 16)) * random.uniform(0.5, 1.0)
        if retry_after is not None:
            seconds = max(retry_after, 0.0)
        if abort is None:
            self.sleep(seconds)
        elif abort.wait(seconds):
            raise AbortedError("the upload was aborted")

    def may_repeat(self, failures: int, retry_after: float | None = None) -> bool:
        return failures < self.attempts and (retry_after or 0.0) <= self.most_retry_after


class Body:
    """A request's content, whose length is known: `pieces` makes it, anew for each attempt."""

    def __init__(self, size: int, pieces: Callable[[], Iterable[bytes]]) -> None:
        self.size, self.pieces = size, pieces


def exchange(method: str, url: str, headers: Mapping[str, str], body: bytes | Body | None, timeout: float, *, context: ssl.SSLContext | None = None,
             on_sent: Callable[[int], None] | None = None, abort: threading.Event | None = None) -> Answer:
    """The answer. NetworkError if there is none; AbortedError as soon as `abort` is set between two pieces of the body."""
    target = urllib.parse.urlsplit(url)
    if target.scheme not in ("http", "https") or not target.hostname:
        raise ValueError("the URL has to begin with http:// or https://")
    connection = (http.client.HTTPSConnection(target.hostname, target.port, timeout=timeout, context=context) if target.scheme == "https"
                  else http.client.HTTPConnection(target.hostname, target.port, timeout=timeout))
    place = urllib.parse.urlunsplit(("", "", target.path or "/", target.query, ""))
    try:
        connection.putrequest(method, place, skip_accept_encoding=True)
        for name, value in headers.items():
            if name.lower() not in ("host", "content-length"):
                connection.putheader(name, value)
        size = len(body) if isinstance(body, bytes) else body.size if body else 0
        if body is not None or method not in ("GET", "HEAD", "DELETE"):
            connection.putheader("Content-Length", str(size))
        broken: OSError | None = None
        try:
            connection.endheaders()
            for piece in [body] if isinstance(body, bytes) else body.pieces() if body else []:
                if abort is not None and abort.is_set():
                    raise AbortedError("the upload was aborted")
                connection.send(piece)
                if on_sent:
                    on_sent(len(piece))
        except (BrokenPipeError, ConnectionResetError) as error:
            broken = error  # a server may have answered before it took the whole body
        if connection.sock is None and broken:
            raise broken
        response = connection.getresponse()
        data = response.read(MOST_ANSWER + 1)
        if len(data) > MOST_ANSWER:
            raise NetworkError(f"the answer of {target.hostname} is longer than {MOST_ANSWER} bytes")
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, data)
    except (OSError, http.client.HTTPException) as error:
        raise NetworkError(f"{method} at {target.hostname}: {error or type(error).__name__}") from error
    finally:
        connection.close()


def seconds_until(moment: str) -> float:
    """Of an RFC 3339 time in UTC; infinite if it can't be read."""
    try:
        return datetime.datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp() - time.time()
    except ValueError:
        return math.inf
