"""Access keys of a store, and requests signed with them."""
import hashlib
import secrets

REGION = "us-east-1"


class AccessKey:
    def __init__(self, access, secret):
        self.access = access
        self.secret = secret

    @classmethod
    def make(cls, role):
        return cls(f"{role}-{secrets.token_hex(5)}", secrets.token_hex(20))


def signed_headers(key, method, url, headers, body):
    """The headers of one request to S3, signed by botocore (AWS Signature Version 4)."""
    # Here, because ./run and ./test use what stands beside this before .venv is made.
    from botocore.auth import S3SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
    request = AWSRequest(method, url, headers=headers, data=body)
    request.headers["X-Amz-Content-SHA256"] = hashlib.sha256(body).hexdigest()
    S3SigV4Auth(Credentials(key.access, key.secret), "s3", REGION).add_auth(request)
    return dict(request.headers)
