"""The ways by which a file gets to the store, by the grant of an upload."""
from __future__ import annotations

import os
import secrets
import threading
import urllib.parse
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, BinaryIO, Literal, TypeAlias, cast

from ._http import PIECE, RETRIED, Answer, Body, exchange, seconds_until
from .errors import AbortedError, NetworkError, ProblemError, StoreError
from .types import Grant, GrantedUpload, SignedPart

if TYPE_CHECKING:
    from .client import Client

File: TypeAlias = "str | os.PathLike[str] | bytes | BinaryIO"
Way: TypeAlias = Literal["auto", "direct", "resumable"]
Progress: TypeAlias = Callable[[int, int], None]
SIGNED_AT_ONCE = 100
TUS = {"Tus-Resumable": "1.0.0"}


class Source:
    """A file of known size that can be read from any place."""

    def __init__(self, file: File) -> None:
        self._owned: BinaryIO | None = None
        self._bytes = file if isinstance(file, bytes) else None
        self.name: str | None = None
        if isinstance(file, bytes):
            self.size = len(file)
        else:
            if isinstance(file, (str, os.PathLike)):
                self.name = os.path.basename(os.fspath(file))
                self._owned = open(file, "rb")
            self._file: BinaryIO = self._owned or cast(BinaryIO, file)
            self.size = self._file.seek(0, os.SEEK_END)

    def pieces(self, start: int, length: int) -> Iterator[bytes]:
        while length > 0:
            if self._bytes is not None:
                piece = self._bytes[start:start + min(PIECE, length)]
            else:
                self._file.seek(start)
                piece = self._file.read(min(PIECE, length))
            if not piece:
                raise ValueError("the file has become shorter while it was sent")
            yield piece
            start, length = start + len(piece), length - len(piece)

    def body(self, start: int, length: int) -> Body:
        return Body(length, lambda: self.pieces(start, length))

    def close(self) -> None:
        if self._owned:
            self._owned.close()


class Sender:
    """Sends one file; `run` returns once the store, or the gateway, has all of it."""

    def __init__(self, client: Client, created: GrantedUpload, source: Source, way: Way, progress: Progress | None, abort: threading.Event | None) -> None:
        self._client, self._id, self._source, self._way, self._progress, self._abort = client, created["id"], source, way, progress, abort
        self._grant: Grant = created["upload"]
        self._retry = client.retry

    def run(self) -> None:
        if "parts" in self._grant:
            self._send_parts()
        elif self._way == "resumable":
            self._send_resumable()
        else:
            self._send_directly()

    # ---- the presigned PUT or form

    def _send_directly(self) -> None:
        failures, renewed = 0, False
        while True:
            try:
                if seconds_until(self._grant["expires_at"]) < 5 and not renewed:
                    renewed = self._renew()
                answer = self._put() if self._grant["method"] == "PUT" else self._post_form()
            except NetworkError:
                if self._way == "auto" and "resumable" in self._grant:
                    # Whether the file has arrived and the answer alone was lost, the gateway can tell for less than the file costs.
                    return None if self._has_arrived() else self._send_resumable()
                failures += 1
                if not self._retry.may_repeat(failures):
                    raise
                self._retry.pause(failures, abort=self._abort)
                continue
            # 412: an earlier attempt, whose answer was lost, has stored the file.
            if answer.ok or (answer.status == 412 and self._grant["method"] == "PUT"):
                return
            if answer.status in RETRIED:
                failures = self._failed(failures, answer)
            elif answer.status == 403 and b"expired" in answer.body and not renewed:
                renewed = self._renew()
            else:
                raise StoreError(answer.status, answer.body)

    def _put(self) -> Answer:
        return self._request("PUT", str(self._grant["url"]), self._grant["headers"], self._source.body(0, self._source.size), 0)

    def _post_form(self) -> Answer:
        boundary = secrets.token_hex(16)
        fields = "".join(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in (self._grant["fields"] or {}).items())
        head = f'{fields}--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="file"\r\n\r\n'.encode()
        tail = f"\r\n--{boundary}--\r\n".encode()

        def pieces() -> Iterable[bytes]:
            yield head
            yield from self._source.pieces(0, self._source.size)
            yield tail

        headers = {**self._grant["headers"], "Content-Type": f"multipart/form-data; boundary={boundary}"}
        return self._request("POST", str(self._grant["url"]), headers, Body(len(head) + self._source.size + len(tail), pieces), -len(head))

    def _renew(self) -> bool:
        self._grant = self._client.sign_upload(self._id)["upload"]
        return True

    def _has_arrived(self) -> bool:
        try:
            self._client.complete_upload(self._id)
        except (ProblemError, NetworkError):
            return False
        return True

    # ---- the resumable URL: tus 1.0.0

    def _send_resumable(self) -> None:
        if "resumable" not in self._grant:
            raise ValueError("this upload has no resumable URL")
        url = urllib.parse.urljoin(self._client.base_url + "/", self._grant["resumable"]["url"])
        failures, furthest = 0, 0
        while True:
            try:
                answer = self._request("HEAD", url, TUS, None, 0)
                if answer.ok:
                    offset = self._offset(answer)
                    if offset > furthest:
                        failures, furthest = 0, offset
                    if offset == self._source.size:
                        return
                    headers = {**TUS, "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
                    answer = self._request("PATCH", url, headers, self._source.body(offset, self._source.size - offset), offset)
                    if answer.ok and self._offset(answer) == self._source.size:
                        return
                # 409: the offset has moved on; 423: an earlier connection still holds the upload; 460: a digest did not match.
                if answer.ok or answer.status in RETRIED or answer.status in (409, 423, 460):
                    failures = self._failed(failures, answer)
                else:
                    raise StoreError(answer.status, answer.body)
            except NetworkError:
                failures += 1
                if not self._retry.may_repeat(failures):
                    raise
                self._retry.pause(failures, abort=self._abort)

    @staticmethod
    def _offset(answer: Answer) -> int:
        text = answer.headers.get("upload-offset", "")
        if not (text.isascii() and text.isdecimal()):
            raise StoreError(answer.status, b"the answer has no Upload-Offset")
        return int(text)

    # ---- parts

    def _send_parts(self) -> None:
        size = self._grant["parts"]["part_size"]
        signed = list(self._grant["parts"]["data"])
        failures, arrived = 0, -1
        while True:
            if not signed:
                listed = self._client.list_parts(self._id)
                if not listed["missing"]:
                    return
                if listed["received"] <= arrived:
                    failures += 1
                    if not self._retry.may_repeat(failures):
                        raise StoreError(0, b"parts that the store has taken are not there")
                arrived = listed["received"]
                signed = self._client.sign_parts(self._id, numbers=listed["missing"][:SIGNED_AT_ONCE])["data"]
            for part in signed:
                if not self._send_part(part, (part["number"] - 1) * size):
                    break
            signed = []

    def _send_part(self, part: SignedPart, start: int) -> bool:
        """False: its URL has expired."""
        failures = 0
        while True:
            try:
                answer = self._request("PUT", part["url"], part["headers"], self._source.body(start, part["size"]), start)
            except NetworkError:
                failures += 1
                if not self._retry.may_repeat(failures):
                    raise
                self._retry.pause(failures, abort=self._abort)
                continue
            if answer.ok:
                return True
            if answer.status == 403 and b"expired" in answer.body:
                return False
            if answer.status not in RETRIED:
                raise StoreError(answer.status, answer.body)
            failures = self._failed(failures, answer)

    # ---- what they share

    def _failed(self, failures: int, answer: Answer) -> int:
        failures += 1
        if not self._retry.may_repeat(failures, answer.retry_after):
            raise StoreError(answer.status, answer.body)
        self._retry.pause(failures, answer.retry_after, self._abort)
        return failures

    def _request(self, method: str, url: str, headers: dict[str, str], body: Body | None, start: int) -> Answer:
        if self._abort is not None and self._abort.is_set():
            raise AbortedError("the upload was aborted")
        sent = start

        def on_sent(count: int) -> None:
            nonlocal sent
            sent += count
            if self._progress:
                self._progress(min(max(sent, 0), self._source.size), self._source.size)

        return exchange(method, url, headers, body, self._client.timeout, context=self._client.context, on_sent=on_sent, abort=self._abort)
