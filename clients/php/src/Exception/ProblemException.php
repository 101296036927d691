<?php

declare(strict_types=1);

namespace Photogate\Exception;

use Photogate\Types\FieldError;

/**
 * The gateway refused a request. Programs branch on `$problemCode`, which is stable: the gateway's page /docs/errors lists them.
 * It is `http_502` and the like where something in front of the gateway answered.
 */
final class ProblemException extends PhotogateException
{
    /**
     * @param list<FieldError> $errors
     * @param float|null $retryAfter seconds after which the gateway wants to be asked again
     */
    public function __construct(
        public readonly int $status,
        public readonly string $problemCode,
        public readonly string $title,
        public readonly ?string $detail,
        public readonly ?string $requestId,
        public readonly array $errors,
        public readonly ?float $retryAfter,
    ) {
        parent::__construct(($detail ?? $title) . " ($problemCode, $status, request " . ($requestId ?? 'unknown') . ')');
    }

    /** @internal */
    public static function of(int $status, ?string $requestId, string $body, ?float $retryAfter): self
    {
        $problem = json_decode($body, true);
        $problem = is_array($problem) ? $problem : [];

        return new self(
            $status,
            $problem['code'] ?? "http_$status",
            $problem['title'] ?? "the answer was $status",
            $problem['detail'] ?? null,
            $problem['request_id'] ?? $requestId,
            array_map(FieldError::fromArray(...), $problem['errors'] ?? []),
            $retryAfter,
        );
    }
}
