"""Callbacks are signed according to Standard Webhooks (https://www.standardwebhooks.com)."""
from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Iterable, Mapping
from typing import cast

from .errors import SignatureError
from .types import Event

TOLERANCE = 300.0
"""Seconds that a timestamp may differ from the clock, either way."""


def _keys(secrets: str | Iterable[str]) -> list[bytes]:
    keys = []
    for secret in [secrets] if isinstance(secrets, str) else secrets:
        try:
            keys.append(base64.b64decode(secret.removeprefix("whsec_"), validate=True))
        except (binascii.Error, ValueError):
            raise ValueError("a callback secret is not 'whsec_' and base64") from None
    if not all(keys) or not keys:
        raise ValueError("there is no callback secret, or an empty one")
    return keys


def verify_signature(secrets: str | Iterable[str], headers: Mapping[str, str], body: bytes, *, tolerance: float = TOLERANCE, now: float | None = None) -> None:
    """Raises SignatureError unless one of the signatures was made with one of the secrets, a short time ago.

    `body` are the raw bytes, before any parsing. While a secret is rotated, pass the old one and the new one.
    A secret that can't be read is a ValueError: a mistake of the configuration, not of the sender.
    """
    keys = _keys(secrets)
    given = {name.lower(): value for name, value in headers.items()}
    message, stamp, signatures = (given.get(f"webhook-{name}") or "" for name in ("id", "timestamp", "signature"))
    if not message or not stamp or not signatures:
        raise SignatureError("webhook-id, webhook-timestamp or webhook-signature is missing")
    if not (stamp.isascii() and stamp.isdecimal() and len(stamp) < 12):
        raise SignatureError("webhook-timestamp is not a number of seconds")
    if abs((time.time() if now is None else now) - int(stamp)) > tolerance:
        raise SignatureError("webhook-timestamp is too far from this machine's clock")
    signed = f"{message}.{stamp}.".encode("utf-8", "surrogateescape") + body
    expected = [base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()) for key in keys]
    genuine = False
    for entry in signatures.split(" "):
        version, _, signature = entry.partition(",")
        for each in expected:
            genuine |= version == "v1" and hmac.compare_digest(signature.encode("utf-8", "surrogateescape"), each)
    if not genuine:
        raise SignatureError("no signature matches")


def verify_callback(secrets: str | Iterable[str], headers: Mapping[str, str], body: bytes, *, tolerance: float = TOLERANCE, now: float | None = None) -> Event:
    """The callback's document, once its signature is verified as `verify_signature` does. It never returns what was not signed."""
    verify_signature(secrets, headers, body, tolerance=tolerance, now=now)
    try:
        event = json.loads(body)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        raise SignatureError("the body is signed and is not a JSON object")
    return cast(Event, event)
