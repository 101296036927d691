<?php

// Written by scripts/render-client-types from web/openapi.json.

declare(strict_types=1);

namespace Photogate\Types;

/**
 * The client's request: this method, this URL and exactly these headers; for a form POST, these fields before the file;
 * with `parts`, a request for each part instead.
 */
final class Grant
{
    /**
     * @param 'PUT'|'POST' $method
     * @param string|null $url Null of an upload that is sent in parts.
     * @param array<string, string> $headers
     * @param array<string, string>|null $fields
     * @param list<string> $clientFields Names of further fields that the client may add to the form, as they must be
     * sent: `client_fields: ["caption"]` of the request is `x-amz-meta-caption` here.
     * @param string $expiresAt
     * @param string|null $curl A complete command for the upload; null of one that is sent in parts.
     * @param PartGrant|null $parts
     * @param ResumableGrant|null $resumable
     * @param list<string>|null $fallbacks Where there are several regions: the others that are up, the next best first.
     * A client that cannot reach this URL's store asks for a new upload with one of them as `region`; this one expires
     * by itself. Absent where there is none.
     */
    public function __construct(
        public readonly string $method,
        public readonly ?string $url,
        public readonly array $headers,
        public readonly ?array $fields,
        public readonly array $clientFields,
        public readonly string $expiresAt,
        public readonly ?string $curl,
        public readonly ?PartGrant $parts = null,
        public readonly ?ResumableGrant $resumable = null,
        public readonly ?array $fallbacks = null,
    ) {
    }

    /** @param array<string, mixed> $data */
    public static function fromArray(array $data): self
    {
        return new self(
            method: $data['method'],
            url: $data['url'] ?? null,
            headers: $data['headers'],
            fields: $data['fields'] ?? null,
            clientFields: $data['client_fields'],
            expiresAt: $data['expires_at'],
            curl: $data['curl'] ?? null,
            parts: isset($data['parts']) ? PartGrant::fromArray($data['parts']) : null,
            resumable: isset($data['resumable']) ? ResumableGrant::fromArray($data['resumable']) : null,
            fallbacks: $data['fallbacks'] ?? null,
        );
    }
}
