<?php

// Written by scripts/render-client-types from web/openapi.json.

declare(strict_types=1);

namespace Photogate\Types;

/**
 * What of a private kind the original carried, and what of it is left in the published picture.
 */
final class UploadPrivacy
{
    /**
     * @param list<string> $metadataRemaining In the published picture, by an independent verifier. A picture with
     * anything remaining is not published.
     * @param bool $gpsRemoved The original told a position, and the published picture does not. False where there was
     * none.
     * @param list<string>|null $metadataFound In the original: comment, content_credentials, exif, exif.gps (a
     * position), gain_map, iptc, mpf, photoshop, thumbnail, trailer, xmp, xmp.gps (a position).
     */
    public function __construct(
        public readonly array $metadataRemaining,
        public readonly bool $gpsRemoved,
        public readonly ?array $metadataFound = null,
    ) {
    }

    /** @param array<string, mixed> $data */
    public static function fromArray(array $data): self
    {
        return new self(
            metadataRemaining: $data['metadata_remaining'],
            gpsRemoved: $data['gps_removed'],
            metadataFound: $data['metadata_found'] ?? null,
        );
    }
}
