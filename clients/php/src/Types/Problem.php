<?php

// Written by scripts/render-client-types from web/openapi.json.

declare(strict_types=1);

namespace Photogate\Types;

final class Problem
{
    /**
     * @param string $type Where the code is explained: `/docs/errors#CODE`.
     * @param string $title
     * @param int $status
     * @param string $code Stable; programs branch on it.
     * @param string|null $detail
     * @param string|null $requestId
     * @param list<FieldError>|null $errors
     */
    public function __construct(
        public readonly string $type,
        public readonly string $title,
        public readonly int $status,
        public readonly string $code,
        public readonly ?string $detail = null,
        public readonly ?string $requestId = null,
        public readonly ?array $errors = null,
    ) {
    }

    /** @param array<string, mixed> $data */
    public static function fromArray(array $data): self
    {
        return new self(
            type: $data['type'],
            title: $data['title'],
            status: $data['status'],
            code: $data['code'],
            detail: $data['detail'] ?? null,
            requestId: $data['request_id'] ?? null,
            errors: isset($data['errors']) ? array_map(FieldError::fromArray(...), $data['errors']) : null,
        );
    }
}
