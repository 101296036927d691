<?php

// Written by scripts/render-client-types from web/openapi.json.

declare(strict_types=1);

namespace Photogate\Types;

final class Upload
{
    /**
     * @param string $id
     * @param string $state
     * @param string $profile
     * @param 'put'|'post'|'multipart' $method
     * @param array<string, string> $metadata
     * @param string $createdAt
     * @param UploadLinks $links
     * @param string|null $app Whose it is; only in answers to an operator's key.
     * @param int|null $distance Only in a list by `similar_to`: bits of `perceptual_hash` that differ.
     * @param string|null $filename
     * @param array<string, string>|null $clientMetadata
     * @param string|null $expiresAt
     * @param string|null $receivedAt
     * @param string|null $finishedAt
     * @param int|null $size
     * @param string|null $etag
     * @param string|null $contentType What the file is, by its bytes; null until it has been read.
     * @param string|null $declaredContentType The `content_type` of the request. By default it is only reported: the
     * bytes decide.
     * @param int|null $width
     * @param int|null $height
     * @param string|null $sha256
     * @param array<string, mixed>|null $exif The metadata of the file before it was stripped; `gps` only if the profile
     * reports it, other tags under `raw`. `damaged_intervals` is the number of damaged parts of a JPEG, where the
     * profile publishes such pictures.
     * @param string|null $placeholder ThumbHash, base64.
     * @param string|null $perceptualHash dHash of the picture, 16 hex digits; two that differ in few bits look alike
     * (`similar_to`).
     * @param string|null $dominantColor The colour that most of the picture has, `#rrggbb`.
     * @param Image|null $image
     * @param list<Variant>|null $variants The profile's named versions that are made, by name.
     * @param UploadPrivacy|null $privacy What of a private kind the original carried, and what of it is left in the
     * published picture.
     * @param bool|null $private The URLs of its image and variants, which are not signed here, need a signed link or a
     * cookie: `POST /v1/uploads/{id}/url`.
     * @param UploadRejection|null $rejection
     */
    public function __construct(
        public readonly string $id,
        public readonly string $state,
        public readonly string $profile,
        public readonly string $method,
        public readonly array $metadata,
        public readonly string $createdAt,
        public readonly UploadLinks $links,
        public readonly ?string $app = null,
        public readonly ?int $distance = null,
        public readonly ?string $filename = null,
        public readonly ?array $clientMetadata = null,
        public readonly ?string $expiresAt = null,
        public readonly ?string $receivedAt = null,
        public readonly ?string $finishedAt = null,
        public readonly ?int $size = null,
        public readonly ?string $etag = null,
        public readonly ?string $contentType = null,
        public readonly ?string $declaredContentType = null,
        public readonly ?int $width = null,
        public readonly ?int $height = null,
        public readonly ?string $sha256 = null,
        public readonly ?array $exif = null,
        public readonly ?string $placeholder = null,
        public readonly ?string $perceptualHash = null,
        public readonly ?string $dominantColor = null,
        public readonly ?Image $image = null,
        public readonly ?array $variants = null,
        public readonly ?UploadPrivacy $privacy = null,
        public readonly ?bool $private = null,
        public readonly ?UploadRejection $rejection = null,
    ) {
    }

    /** @param array<string, mixed> $data */
    public static function fromArray(array $data): self
    {
        return new self(
            id: $data['id'],
            state: $data['state'],
            profile: $data['profile'],
            method: $data['method'],
            metadata: $data['metadata'],
            createdAt: $data['created_at'],
            links: UploadLinks::fromArray($data['links']),
            app: $data['app'] ?? null,
            distance: $data['distance'] ?? null,
            filename: $data['filename'] ?? null,
            clientMetadata: $data['client_metadata'] ?? null,
            expiresAt: $data['expires_at'] ?? null,
            receivedAt: $data['received_at'] ?? null,
            finishedAt: $data['finished_at'] ?? null,
            size: $data['size'] ?? null,
            etag: $data['etag'] ?? null,
            contentType: $data['content_type'] ?? null,
            declaredContentType: $data['declared_content_type'] ?? null,
            width: $data['width'] ?? null,
            height: $data['height'] ?? null,
            sha256: $data['sha256'] ?? null,
            exif: $data['exif'] ?? null,
            placeholder: $data['placeholder'] ?? null,
            perceptualHash: $data['perceptual_hash'] ?? null,
            dominantColor: $data['dominant_color'] ?? null,
            image: isset($data['image']) ? Image::fromArray($data['image']) : null,
            variants: isset($data['variants']) ? array_map(Variant::fromArray(...), $data['variants']) : null,
            privacy: isset($data['privacy']) ? UploadPrivacy::fromArray($data['privacy']) : null,
            private: $data['private'] ?? null,
            rejection: isset($data['rejection']) ? UploadRejection::fromArray($data['rejection']) : null,
        );
    }
}
