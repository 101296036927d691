"""The documents of the REST interface. Written by scripts/render-client-types from web/openapi.json."""
# ruff: noqa: E501
from __future__ import annotations

from typing import Any, Literal, NotRequired, TypeAlias, TypedDict

State: TypeAlias = Literal["created", "uploaded", "processing", "published", "rejected", "failed", "expired", "cancelled", "deleted"]
CallbackType: TypeAlias = Literal["upload.received", "upload.published", "upload.rejected", "upload.failed", "upload.expired", "upload.deleted", "variant.ready", "package.ready", "package.failed", "image.purge"]
PackageState: TypeAlias = Literal["preparing", "queued", "building", "ready", "failed", "deleted", "expired"]


class Image(TypedDict):
    url: str
    width: int
    height: int
    format: str
    size: int


class Variant(TypedDict):
    name: str
    url: str
    width: int
    height: int
    format: str
    size: int


class Upload(TypedDict):
    id: str
    # Whose it is; only in answers to an operator's key.
    app: NotRequired[str]
    # Only in a list by `similar_to`: bits of `perceptual_hash` that differ.
    distance: NotRequired[int]
    state: State
    profile: str
    method: Literal["put", "post", "multipart"]
    filename: NotRequired[str | None]
    metadata: dict[str, str]
    client_metadata: NotRequired[dict[str, str]]
    created_at: str
    expires_at: NotRequired[str]
    received_at: NotRequired[str | None]
    finished_at: NotRequired[str | None]
    size: NotRequired[int | None]
    etag: NotRequired[str | None]
    # What the file is, by its bytes; null until it has been read.
    content_type: NotRequired[str | None]
    # The `content_type` of the request. By default it is only reported: the bytes decide.
    declared_content_type: NotRequired[str | None]
    width: NotRequired[int | None]
    height: NotRequired[int | None]
    sha256: NotRequired[str | None]
    # The metadata of the file before it was stripped; `gps` only if the profile reports it, other tags under `raw`.
    # `damaged_intervals` is the number of damaged parts of a JPEG, where the profile publishes such pictures.
    exif: NotRequired[dict[str, Any] | None]
    # ThumbHash, base64.
    placeholder: NotRequired[str | None]
    # dHash of the picture, 16 hex digits; two that differ in few bits look alike (`similar_to`).
    perceptual_hash: NotRequired[str | None]
    # The colour that most of the picture has, `#rrggbb`.
    dominant_color: NotRequired[str | None]
    image: NotRequired[Image | None]
    # The profile's named versions that are made, by name.
    variants: NotRequired[list[Variant]]
    # What of a private kind the original carried, and what of it is left in the published picture.
    privacy: NotRequired[UploadPrivacy | None]
    # The URLs of its image and variants, which are not signed here, need a signed link or a cookie: `POST
    # /v1/uploads/{id}/url`.
    private: NotRequired[bool]
    rejection: NotRequired[UploadRejection | None]
    links: UploadLinks


class UploadPrivacy(TypedDict):
    """What of a private kind the original carried, and what of it is left in the published picture."""
    # In the original: comment, content_credentials, exif, exif.gps (a position), gain_map, iptc, mpf, photoshop,
    # thumbnail, trailer, xmp, xmp.gps (a position).
    metadata_found: NotRequired[list[str]]
    # In the published picture, by an independent verifier. A picture with anything remaining is not published.
    metadata_remaining: list[str]
    # The original told a position, and the published picture does not. False where there was none.
    gps_removed: bool


class UploadRejection(TypedDict):
    code: str
    detail: str


class UploadLinks(TypedDict):
    self: str
    image: str


class Grant(TypedDict):
    """The client's request: this method, this URL and exactly these headers; for a form POST, these fields before the
    file; with `parts`, a request for each part instead."""
    method: Literal["PUT", "POST"]
    # Null of an upload that is sent in parts.
    url: str | None
    headers: dict[str, str]
    fields: dict[str, str] | None
    # Names of further fields that the client may add to the form, as they must be sent: `client_fields: ["caption"]` of
    # the request is `x-amz-meta-caption` here.
    client_fields: list[str]
    expires_at: str
    # A complete command for the upload; null of one that is sent in parts.
    curl: str | None
    parts: NotRequired[PartGrant]
    resumable: NotRequired[ResumableGrant]
    # Where there are several regions: the others that are up, the next best first. A client that cannot reach this
    # URL's store asks for a new upload with one of them as `region`; this one expires by itself. Absent where there is
    # none.
    fallbacks: NotRequired[list[str]]


class ResumableGrant(TypedDict):
    """Another way to send the same file: through the gateway, which keeps what has arrived, so that a client continues
    after a cut (docs/resumable.md). Absent of an upload that is sent in parts."""
    # Speaks tus 1.0.0 and the IETF draft "Resumable Uploads for HTTP", and takes a plain PUT; a path alone where the
    # gateway has no public URL. It needs no credentials beside it.
    url: str
    protocols: list[Literal["tus", "rufh"]]
    expires_at: str


class SignedPart(TypedDict):
    """A PUT of exactly `size` bytes: the file's bytes from `(number - 1) * part_size` on."""
    number: int
    size: int
    method: Literal["PUT"]
    url: str
    headers: dict[str, str]


class PartGrant(TypedDict):
    """How the file is divided, and URLs for its first parts; `links.sign` signs the others. `data` is empty where the
    store could not be asked, in a batch, and in the answer of `/sign`."""
    # Bytes of each part but the last.
    part_size: int
    count: int
    data: list[SignedPart]
    links: PartGrantLinks


class PartGrantLinks(TypedDict):
    sign: str
    parts: str
    complete: str


class PartsToSign(TypedDict):
    numbers: list[int]
    # By number, as text: the SHA-256 of the part, base64 or hex. The store refuses other bytes.
    checksums: NotRequired[dict[str, str]]
    # Seconds.
    expires_in: NotRequired[int]


class SignedParts(TypedDict):
    data: list[SignedPart]
    expires_at: str


class Parts(TypedDict):
    """What has arrived, as the store lists it."""
    part_size: int
    count: int
    # Bytes of the file.
    size: int
    data: list[ArrivedPart]
    # Bytes.
    received: int
    # Numbers to sign and send; the first 1,000.
    missing: list[int]


class ArrivedPart(TypedDict):
    number: int
    size: int
    etag: str


class GrantedUpload(Upload):
    upload: Grant


class NewUpload(TypedDict):
    # The policy for this kind of upload. Required if the app has more than one.
    profile: NotRequired[str]
    # `multipart` for large files: `size` is required, and the client sends equal parts.
    method: NotRequired[Literal["put", "post", "multipart"]]
    filename: NotRequired[str]
    content_type: NotRequired[str]
    # Bytes. Signed, so the store rejects other lengths.
    size: NotRequired[int]
    checksum: NotRequired[NewUploadChecksum]
    # With a SHA-256 whose picture this profile has published already, answer that upload, with `deduplicated` true and
    # no URL. Not allowed with a client token.
    dedupe: NotRequired[bool]
    # The app server's metadata, returned in responses and callbacks. At most 64 pairs, 8 KiB in total. Not allowed with
    # a client token, which has its own.
    metadata: NotRequired[dict[str, str]]
    # Form fields that the client may add, with method post.
    client_fields: NotRequired[list[str]]
    # Seconds.
    expires_in: NotRequired[int]
    # The region that the file is sent to. A region that is down is answered 503 `store_unavailable`, with
    # `Retry-After`. Without it the region near the client is taken, and where that is down one that stands in for it.
    region: NotRequired[str]
    # The IPv4 or IPv6 address of the client that will send the file, as the app server sees it: the region near it is
    # taken. It is neither stored nor logged. Not allowed with a client token, whose own address counts.
    client_address: NotRequired[str]
    callback_url: NotRequired[str]


class NewUploadChecksum(TypedDict):
    algorithm: Literal["sha256"]
    # Base64 or hex.
    value: str


class DuplicateUpload(Upload):
    """The upload that was published of the same bytes."""
    upload: None | None
    deduplicated: Literal[True]


class NewBatch(TypedDict):
    uploads: list[NewUpload]


class Problem(TypedDict):
    # Where the code is explained: `/docs/errors#CODE`.
    type: str
    title: str
    status: int
    detail: NotRequired[str]
    # Stable; programs branch on it.
    code: str
    request_id: NotRequired[str]
    errors: NotRequired[list[FieldError]]


class RefusedItem(Problem):
    """Why this item was refused; the pointers in `errors` are within it."""
    # The item's place in the request, from 0.
    index: int


class Batch(TypedDict):
    # For each item of the request, in its order, the upload or a problem.
    data: list[GrantedUpload | DuplicateUpload | RefusedItem]
    created: int
    refused: int


class NewToken(TypedDict):
    profile: NotRequired[str]
    max_uploads: NotRequired[int]
    # Limit for the sum of declared sizes; every upload must then declare `size`.
    max_bytes: NotRequired[int]
    expires_in: NotRequired[int]
    # Metadata of every upload created with the token; at most 1 KiB. The bearer can read it.
    metadata: NotRequired[dict[str, str]]


class Token(TypedDict):
    token: str
    id: str
    profile: str
    max_uploads: int
    max_bytes: int | None
    expires_at: str
    metadata: dict[str, str]
    links: TokenLinks


class TokenLinks(TypedDict):
    uploads: str
    page: str


class NewUrl(TypedDict):
    # CSS pixels.
    width: NotRequired[int]
    # As `width`.
    height: NotRequired[int]
    # Pixels for each CSS pixel.
    dpr: NotRequired[float]
    fit: NotRequired[Literal["inside", "cover", "fill"]]
    # What `cover` keeps: `center`, `north`, `northeast`, …, `attention`, `entropy`.
    gravity: NotRequired[str]
    format: NotRequired[Literal["origin", "auto", "jpeg", "png", "webp", "avif", "gif"]]
    quality: NotRequired[int]
    # One of the profile's variants; alone.
    variant: NotRequired[str]
    # `version`: the URL is for exactly this version, in any size. `image`: its signature is for the image and all
    # versions that its profile offers. Without it: `version` where the profile is private, `image` for a client token;
    # not signed where the profile is public.
    scope: NotRequired[Literal["version", "image"]]
    # Seconds; of a client token at most as long as it lives.
    expires_in: NotRequired[int]


class Url(TypedDict):
    url: str
    # What the signature is for; null: the URL is not signed.
    scope: Literal["version", "image"] | None
    expires_at: str | None


class UploadPage(TypedDict):
    data: list[Upload]
    next: str | None


class FieldError(TypedDict):
    pointer: str
    code: str
    detail: str


class Event(TypedDict):
    """The body of a callback."""
    type: CallbackType
    # The callback's `webhook-id`.
    id: str
    timestamp: str
    # The upload at that time; null once it was deleted.
    data: dict[str, Any] | None


class Feed(TypedDict):
    data: list[Event]
    # The `after` of the next call, even if `data` is empty.
    next: str
    # More events are available immediately.
    more: bool


class Profile(TypedDict):
    """What the gateway accepts in this profile."""
    profile: str
    # Bytes of one file.
    max_size: int
    # Media types of the accepted formats.
    content_types: list[str]
    methods: list[Literal["put", "post", "multipart"]]
    # Of one frame. A picture that costs too much memory or time for its format is rejected below this too.
    max_pixels: int
    # Pixels of the longer side.
    max_side: int
    # Frames of an animation, or pages.
    max_frames: int
    # Over all frames.
    max_total_pixels: int
    # Seconds.
    default_expires_in: int
    # Seconds.
    max_expires_in: int
    # Pixels that the sizes of versions are rounded up to, ascending.
    version_sizes: list[int]
    # Formats of versions that may be asked for, beside the image's own.
    version_formats: list[str]
    # Whether its images are seen with a signed link or a cookie alone.
    private: bool


class Package(TypedDict):
    id: str
    # For an operator's key.
    app: NotRequired[str]
    state: PackageState
    # Of the file that is downloaded.
    name: str
    mode: Literal["stream", "store"]
    on_missing: Literal["fail", "skip", "list"]
    # Files in the zip.
    items: int
    # What was asked for and is not in it.
    missing: int
    # While it is `preparing`: of `items`, those for which nothing has to be made any more.
    prepared: NotRequired[int]
    # Under `on_missing: list`, and of a package that failed with them; the first 200; not in lists.
    missing_items: NotRequired[list[PackageMissingItem]]
    # Of a stored package that failed: the entries that could not be read, the first 100; not in lists.
    failed_items: NotRequired[list[PackageFailedItem]]
    # Bytes of the zip, exactly; 0 while it is `preparing`.
    size: int
    # Of a stored package: how many of them are in the store.
    built_bytes: NotRequired[int]
    # Of a stored package; null of others.
    progress: PackageProgress | None
    # As the download has it.
    etag: str | None
    # Where to download it until it expires; null where that is not possible, and for an operator's key.
    url: str | None
    # Of a stored package that is ready: a presigned GET of the store, which passes no gateway; null elsewhere, and
    # where `packages.store_links` is off. It works until `store_url_expires_at`, or until the zip is removed from the
    # store.
    store_url: str | None
    # As `expires_at`, but 7 days at most. Ask again for a later one.
    store_url_expires_at: str | None
    # An error code, or `version_not_made`.
    failure: str | None
    metadata: dict[str, str]
    created_at: str
    expires_at: str
    links: PackageLinks


class PackageMissingItem(TypedDict):
    # Its place in the request, from 0.
    item: int
    # null: the app has no such upload.
    upload: str | None
    name: str
    # `upload_not_found`, `not_published`, `gone`, `checksum_unknown`, `version_not_made`, `variant_not_found`,
    # `watermark_not_found`, `format_not_offered`, `unknown_profile`, `object_not_found`
    code: str


class PackageFailedItem(TypedDict):
    # Its place in the zip, from 0.
    item: int
    # null: made for the package.
    upload: str | None
    # In the zip; empty where its upload was deleted since.
    name: str
    # `store_no_such_key`, `store_precondition_failed`, `store_checksum_mismatch`, `size_mismatch`
    code: str


class PackageProgress(TypedDict):
    """Of a stored package; null of others."""
    # What is being done; null where nothing more is.
    step: Literal["waiting", "copying", "completing"] | None
    # Of `items`, how many are in the store.
    items: int
    # Of `size`.
    bytes: int
    # Of the turn under way, or of the last.
    bytes_per_second: int
    # At that rate; null where it is not known.
    seconds_left: int | None


class PackageLinks(TypedDict):
    self: str


class NewPackage(TypedDict):
    """Either `items` or `select`."""
    # Of the file; `.zip` is added where it lacks.
    name: NotRequired[str]
    # In this order.
    items: NotRequired[list[str | NewPackageItem]]
    # All published uploads that are so, oldest first, as of now.
    select: NotRequired[NewPackageSelect]
    # Where items without a `name` go: `{filename}`, `{id}`, `{profile}`, `{number:4}`, `{metadata.NAME}`, `{album}`,
    # `{taken_at:%Y-%m-%d}`, `{created_at:%Y}`. Without it, by their file names.
    path: NotRequired[str]
    # `image`: the published one. `original`: the file as it was sent, with all that is in it, where the profile keeps
    # it.
    content: NotRequired[Literal["image", "original"]]
    # A variant of the profile, in place of `content`. Those that are not there are made first.
    variant: NotRequired[str]
    # In place of `content`: a version with these parameters, as a URL of the image has them, with sizes and qualities
    # rounded as there. Those that are not there are made first. `{}` is the published image, with the watermark of its
    # profile.
    image: NotRequired[NewPackageImage]
    # A list of the items, as the last file of the zip.
    manifest: NotRequired[Literal["csv", "json"]]
    # `stream`: the link works at once, and nothing is stored. `store`: built into the store as an object; the link
    # works from `ready` on.
    mode: NotRequired[Literal["stream", "store"]]
    # Items that can't be had: `fail`: there is no package. `skip`: they are left out. `list`: they are left out, and
    # named.
    on_missing: NotRequired[Literal["fail", "skip", "list"]]
    # Seconds; at most `packages.max_expiry`.
    expires_in: NotRequired[int]
    # Returned in every response.
    metadata: NotRequired[dict[str, str]]


class NewPackageItem(TypedDict):
    upload: str
    # In the zip, with folders; made safe and unique.
    name: NotRequired[str]


class NewPackageSelect(TypedDict):
    """All published uploads that are so, oldest first, as of now."""
    profile: NotRequired[str]
    metadata: NotRequired[dict[str, str]]
    created_after: NotRequired[str]
    created_before: NotRequired[str]


class NewPackageImage(TypedDict):
    """In place of `content`: a version with these parameters, as a URL of the image has them, with sizes and qualities
    rounded as there. Those that are not there are made first. `{}` is the published image, with the watermark of its
    profile."""
    # Pixels.
    width: NotRequired[int]
    # Pixels.
    height: NotRequired[int]
    # `inside`, `cover` or `fill`.
    fit: NotRequired[str]
    # What is kept where something is cut off: `center`, `north`, …, `attention`, `entropy`.
    gravity: NotRequired[str]
    # `jpeg`, `png`, `webp`, `avif`, or `origin` (the default): the published image's.
    format: NotRequired[str]
    quality: NotRequired[int]
    # A picture whose profile has no such watermark can't be had (`watermark_not_found`). Without it the files carry one
    # where their profile has one.
    watermark: NotRequired[Literal[True] | str]


class PackagePage(TypedDict):
    data: list[Package]
    next: str | None


class NewPackageUrl(TypedDict):
    # Seconds; the link ends with the package at the latest.
    expires_in: NotRequired[int]


class PackageUrl(TypedDict):
    url: str
    expires_at: str
