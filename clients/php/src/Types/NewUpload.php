<?php

// Written by scripts/render-client-types from web/openapi.json.

declare(strict_types=1);

namespace Photogate\Types;

final class NewUpload implements \JsonSerializable
{
    /**
     * @param string|null $profile The policy for this kind of upload. Required if the app has more than one.
     * @param 'put'|'post'|'multipart'|null $method `multipart` for large files: `size` is required, and the client
     * sends equal parts.
     * @param string|null $filename
     * @param string|null $contentType
     * @param int|null $size Bytes. Signed, so the store rejects other lengths.
     * @param NewUploadChecksum|null $checksum
     * @param bool|null $dedupe With a SHA-256 whose picture this profile has published already, answer that upload,
     * with `deduplicated` true and no URL. Not allowed with a client token.
     * @param array<string, string>|null $metadata The app server's metadata, returned in responses and callbacks. At
     * most 64 pairs, 8 KiB in total. Not allowed with a client token, which has its own.
     * @param list<string>|null $clientFields Form fields that the client may add, with method post.
     * @param int|null $expiresIn Seconds.
     * @param string|null $region The region that the file is sent to. A region that is down is answered 503
     * `store_unavailable`, with `Retry-After`. Without it the region near the client is taken, and where that is down
     * one that stands in for it.
     * @param string|null $clientAddress The IPv4 or IPv6 address of the client that will send the file, as the app
     * server sees it: the region near it is taken. It is neither stored nor logged. Not allowed with a client token,
     * whose own address counts.
     * @param string|null $callbackUrl
     */
    public function __construct(
        public readonly ?string $profile = null,
        public readonly ?string $method = null,
        public readonly ?string $filename = null,
        public readonly ?string $contentType = null,
        public readonly ?int $size = null,
        public readonly ?NewUploadChecksum $checksum = null,
        public readonly ?bool $dedupe = null,
        public readonly ?array $metadata = null,
        public readonly ?array $clientFields = null,
        public readonly ?int $expiresIn = null,
        public readonly ?string $region = null,
        public readonly ?string $clientAddress = null,
        public readonly ?string $callbackUrl = null,
    ) {
    }

    /** What is null is left out. @return array<string, mixed>|\stdClass */
    public function jsonSerialize(): array|\stdClass
    {
        $members = array_filter([
            'profile' => $this->profile,
            'method' => $this->method,
            'filename' => $this->filename,
            'content_type' => $this->contentType,
            'size' => $this->size,
            'checksum' => $this->checksum,
            'dedupe' => $this->dedupe,
            'metadata' => $this->metadata === [] ? new \stdClass() : $this->metadata,
            'client_fields' => $this->clientFields,
            'expires_in' => $this->expiresIn,
            'region' => $this->region,
            'client_address' => $this->clientAddress,
            'callback_url' => $this->callbackUrl,
        ], static fn (mixed $value): bool => $value !== null);

        return $members === [] ? new \stdClass() : $members;
    }
}
