"""What the library raises. Every class is a PhotogateError."""
from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any


class PhotogateError(Exception):
    """The base of all errors of this library."""


class ProblemError(PhotogateError):
    """The gateway refused a request. Programs branch on `code`, which is stable: the gateway's page /docs/errors lists them.

    `code` is `http_502` and the like where something in front of the gateway answered.
    """

    def __init__(self, status: int, problem: Mapping[str, Any], request_id: str | None = None, retry_after: float | None = None) -> None:
        self.status = status
        self.code: str = problem.get("code") or f"http_{status}"
        self.title: str = problem.get("title") or f"the answer was {status}"
        self.detail: str | None = problem.get("detail")
        self.request_id: str | None = problem.get("request_id") or request_id
        self.errors: list[dict[str, str]] = list(problem.get("errors") or [])
        self.retry_after = retry_after
        """Seconds after which the gateway wants to be asked again, or None."""
        super().__init__(f"{self.detail or self.title} ({self.code}, {status}, request {self.request_id or 'unknown'})")

    @classmethod
    def of(cls, status: int, headers: Mapping[str, str], body: bytes, retry_after: float | None = None) -> ProblemError:
        try:
            problem = json.loads(body)
        except ValueError:
            problem = None
        return cls(status, problem if isinstance(problem, dict) else {}, headers.get("x-request-id"), retry_after)


class NetworkError(PhotogateError):
    """No answer came: the connection was refused, cut or timed out."""


class StoreError(PhotogateError):
    """Where the file was sent to, it was refused: by the object store, or by the gateway's resumable URL."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self.body = body[:4096].decode(errors="replace")
        found = re.search(r'<Code>([^<]*)</Code>|"code"\s*:\s*"([^"]*)"', self.body)
        self.code: str | None = (found[1] or found[2]) if found else None
        super().__init__(f"the store answered {status}" + (f" {self.code}" if self.code else ""))


class AbortedError(PhotogateError):
    """The caller ended the upload by its `abort`."""


class SignatureError(PhotogateError):
    """A callback can't be trusted: answer it with 400 and do nothing else."""
