"""The REST interface of a photogate gateway."""
from __future__ import annotations

import json
import mimetypes
import ssl
import threading
import time
import urllib.parse
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias, Unpack, cast

from ._http import RETRIED, Retry, exchange
from ._send import File, Progress, Sender, Source, Way
from .errors import NetworkError, ProblemError
from .types import (
    Batch,
    DuplicateUpload,
    Feed,
    GrantedUpload,
    NewPackage,
    NewPackageUrl,
    NewToken,
    NewUpload,
    NewUrl,
    Package,
    PackageUrl,
    Parts,
    PartsToSign,
    Profile,
    SignedParts,
    State,
    Token,
    Upload,
    Url,
)

CreatedUpload: TypeAlias = GrantedUpload | DuplicateUpload
FINAL_STATES: frozenset[str] = frozenset({"published", "rejected", "failed", "expired", "cancelled", "deleted"})
LONGEST_WAIT = 20
"""Seconds of one waiting request; a longer wait is several."""


class Client:
    """A gateway, as the holder of one credential sees it: an app server's key (`pg_…`), or a client token (`pgt_…`) on a device.

    Thread-safe: it holds no connection and no state. `timeout` is in seconds, for each connection and each pause between two bytes.
    Requests that fail are repeated as `retry` says. The creation of an upload or a package has an Idempotency-Key, which stays the same
    over its attempts; of a token, a second one may be made, and does no harm.
    """

    def __init__(self, base_url: str, credential: str, *, timeout: float = 30.0, retry: Retry | None = None, context: ssl.SSLContext | None = None) -> None:
        self.base_url = base_url.rstrip("/")
        if urllib.parse.urlsplit(self.base_url).scheme not in ("http", "https"):
            raise ValueError("base_url has to begin with http:// or https://")
        self._credential, self.timeout, self.retry, self.context = credential, timeout, retry or Retry(), context

    def __repr__(self) -> str:
        return f"Client({self.base_url!r})"  # never the credential

    # ---- uploads

    def create_upload(self, *, idempotency_key: str | None = None, **wanted: Unpack[NewUpload]) -> CreatedUpload:
        """A presigned upload of one file. Its `upload` is None where `dedupe` found the picture published already."""
        return cast(CreatedUpload, self._create("/v1/uploads", wanted, idempotency_key))

    def create_uploads(self, uploads: Sequence[NewUpload], *, idempotency_key: str | None = None) -> Batch:
        """Up to 500. Each item of `data` is an upload, or a problem that has `code` and `index`."""
        return cast(Batch, self._create("/v1/uploads/batch", {"uploads": list(uploads)}, idempotency_key))

    def get_upload(self, upload_id: str, *, wait: int = 0) -> Upload:
        """With `wait`, the answer comes once the state is final, or after so many seconds (60 at most)."""
        return cast(Upload, self._call("GET", f"/v1/uploads/{_quoted(upload_id)}", query={"wait": wait or None}, timeout=self.timeout + wait))

    def wait_for_upload(self, upload_id: str, *, seconds: float = 60.0) -> Upload:
        """The upload once its state is final, or as it is after `seconds`: its `state` tells."""
        deadline = time.monotonic() + seconds
        while True:
            left = deadline - time.monotonic()
            upload = self.get_upload(upload_id, wait=max(0, min(LONGEST_WAIT, int(left + 0.999))))
            if upload["state"] in FINAL_STATES or time.monotonic() >= deadline:
                return upload

    def list_uploads(self, *, state: State | None = None, profile: str | None = None, created_after: str | None = None, metadata: Mapping[str, str] | None = None,
                     similar_to: str | None = None, distance: int | None = None, app: str | None = None, page_size: int = 50) -> Iterator[Upload]:
        """All uploads that are so, newest first; pages are fetched as the iterator gets there."""
        query = {"state": state, "profile": profile, "created_after": created_after, "similar_to": similar_to, "distance": distance, "app": app,
                 "limit": page_size, **{f"metadata.{name}": value for name, value in (metadata or {}).items()}}
        return cast("Iterator[Upload]", self._pages("/v1/uploads", query))

    def sign_upload(self, upload_id: str, *, expires_in: int | None = None) -> GrantedUpload:
        """The same upload with a fresh presigned URL."""
        return cast(GrantedUpload, self._call("POST", f"/v1/uploads/{_quoted(upload_id)}/sign", {} if expires_in is None else {"expires_in": expires_in}))

    def complete_upload(self, upload_id: str) -> Upload:
        """Reports that the file is in the store, joining its parts. ProblemError `object_not_found` if it is not. May be repeated."""
        return cast(Upload, self._call("POST", f"/v1/uploads/{_quoted(upload_id)}/complete"))

    def delete_upload(self, upload_id: str) -> Upload:
        """Cancels an upload that is not processed yet; erases the files and the personal data of one that is."""
        return cast(Upload, self._call("DELETE", f"/v1/uploads/{_quoted(upload_id)}"))

    def retry_upload(self, upload_id: str) -> Upload:
        """Processes a rejected or failed upload again."""
        return cast(Upload, self._call("POST", f"/v1/uploads/{_quoted(upload_id)}/retry"))

    def image_url(self, upload_id: str, **wanted: Unpack[NewUrl]) -> Url:
        """The URL of the picture or of a version of it, signed where the profile is private."""
        return cast(Url, self._call("POST", f"/v1/uploads/{_quoted(upload_id)}/url", wanted))

    def list_parts(self, upload_id: str) -> Parts:
        return cast(Parts, self._call("GET", f"/v1/uploads/{_quoted(upload_id)}/parts"))

    def sign_parts(self, upload_id: str, **wanted: Unpack[PartsToSign]) -> SignedParts:
        return cast(SignedParts, self._call("POST", f"/v1/uploads/{_quoted(upload_id)}/parts/sign", wanted))

    # ---- sending files

    def send(self, created: CreatedUpload, file: File, *, way: Way = "auto", progress: Progress | None = None, abort: threading.Event | None = None) -> Upload:
        """Sends the file of an upload that was created, and reports that it has arrived.

        `file` is a path, bytes, or a binary file that can seek. The grant decides between a PUT, a form and parts; `way`, what happens when the
        connection is cut: "auto" continues on the resumable URL where the grant has one, "direct" sends the file again, "resumable" uses that URL
        from the start. `progress(sent, total)` is called in this thread, in bytes, and falls when something is sent again.
        Setting `abort` ends it with AbortedError; the upload stays, and may be sent again or deleted.
        """
        grant = created["upload"]
        if grant is None:
            return self.get_upload(created["id"])
        source = Source(file)
        try:
            Sender(self, cast(GrantedUpload, created), source, way, progress, abort).run()
        finally:
            source.close()
        return self.complete_upload(created["id"])

    def upload(self, file: File, *, way: Way = "auto", wait: float = 60.0, progress: Progress | None = None, abort: threading.Event | None = None,
               idempotency_key: str | None = None, **wanted: Unpack[NewUpload]) -> Upload:
        """Creates an upload, sends the file, and waits up to `wait` seconds for its end. Size, name and type are the file's unless they are given."""
        source = Source(file)
        source.close()
        wanted.setdefault("size", source.size)
        if source.name:
            wanted.setdefault("filename", source.name)
            guessed = mimetypes.guess_type(source.name)[0]
            if guessed:
                wanted.setdefault("content_type", guessed)
        created = self.create_upload(idempotency_key=idempotency_key, **wanted)
        sent = self.send(created, file, way=way, progress=progress, abort=abort)
        return self.wait_for_upload(sent["id"], seconds=wait) if wait > 0 and sent["state"] not in FINAL_STATES else sent

    # ---- tokens, profiles, packages, events

    def create_token(self, **wanted: Unpack[NewToken]) -> Token:
        """A token for a browser or a phone. It needs an app server's key."""
        return cast(Token, self._call("POST", "/v1/tokens", wanted))

    def get_profile(self, profile: str | None = None) -> Profile:
        """What may be uploaded."""
        return cast(Profile, self._call("GET", "/v1/profile", query={"profile": profile}))

    def create_package(self, *, idempotency_key: str | None = None, **wanted: Unpack[NewPackage]) -> Package:
        """A zip of many pictures."""
        return cast(Package, self._create("/v1/packages", wanted, idempotency_key))

    def get_package(self, package_id: str, *, wait: int = 0) -> Package:
        return cast(Package, self._call("GET", f"/v1/packages/{_quoted(package_id)}", query={"wait": wait or None}, timeout=self.timeout + wait))

    def list_packages(self, *, app: str | None = None, page_size: int = 50) -> Iterator[Package]:
        """All packages, newest first."""
        return cast("Iterator[Package]", self._pages("/v1/packages", {"app": app, "limit": page_size}))

    def package_url(self, package_id: str, **wanted: Unpack[NewPackageUrl]) -> PackageUrl:
        """Another link to a package."""
        return cast(PackageUrl, self._call("POST", f"/v1/packages/{_quoted(package_id)}/url", wanted))

    def delete_package(self, package_id: str) -> Package:
        return cast(Package, self._call("DELETE", f"/v1/packages/{_quoted(package_id)}"))

    def events(self, after: str | None = None, *, page_size: int = 50) -> Iterator[Feed]:
        """The events of callbacks that there are by now, oldest first, by pages.

        Store a page's `next` in the same transaction as your result of its `data`, and pass it as `after` the next time: each event is then
        handled once.
        """
        while True:
            page = cast(Feed, self._call("GET", "/v1/events", query={"after": after, "limit": page_size}))
            yield page
            after = page["next"]
            if not page["more"]:
                return

    # ---- requests

    def _create(self, path: str, body: Mapping[str, Any], idempotency_key: str | None) -> Any:
        return self._call("POST", path, body, headers={"Idempotency-Key": idempotency_key or uuid.uuid4().hex})

    def _pages(self, path: str, query: Mapping[str, Any]) -> Iterator[Any]:
        cursor = None
        while True:
            page = self._call("GET", path, query={**query, "cursor": cursor})
            yield from page["data"]
            cursor = page["next"]
            if cursor is None:
                return

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, query: Mapping[str, Any] | None = None,
              headers: Mapping[str, str] | None = None, timeout: float | None = None) -> Any:
        words = urllib.parse.urlencode({name: value for name, value in (query or {}).items() if value is not None})
        url = f"{self.base_url}{path}" + (f"?{words}" if words else "")
        fields = {"Authorization": f"Bearer {self._credential}", "Accept": "application/json", **(headers or {})}
        content = None
        if body is not None:
            fields["Content-Type"], content = "application/json", json.dumps(body).encode()
        failures = 0
        while True:
            try:
                answer = exchange(method, url, fields, content, timeout or self.timeout, context=self.context)
            except NetworkError:
                failures += 1
                if not self.retry.may_repeat(failures):
                    raise
                self.retry.pause(failures)
                continue
            if answer.ok:
                break
            failures += 1
            if answer.status not in RETRIED or not self.retry.may_repeat(failures, answer.retry_after):
                raise ProblemError.of(answer.status, answer.headers, answer.body, answer.retry_after)
            self.retry.pause(failures, answer.retry_after)
        try:
            return json.loads(answer.body)
        except ValueError:
            raise ProblemError(answer.status, {"title": "the answer is not JSON"}, answer.headers.get("x-request-id")) from None


def _quoted(text: str) -> str:
    return urllib.parse.quote(text, safe="")
