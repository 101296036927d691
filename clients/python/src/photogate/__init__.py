"""photogate's client library: uploads, tokens, packages, and callbacks that are verified."""
from ._http import Retry
from ._send import File, Progress, Way
from .client import FINAL_STATES, Client, CreatedUpload
from .errors import AbortedError, NetworkError, PhotogateError, ProblemError, SignatureError, StoreError
from .webhooks import verify_callback, verify_signature

__version__ = "0.2.0"
__all__ = ["FINAL_STATES", "AbortedError", "Client", "CreatedUpload", "File", "NetworkError", "PhotogateError", "ProblemError", "Progress", "Retry",
           "SignatureError", "StoreError", "Way", "verify_callback", "verify_signature"]
