<?php

declare(strict_types=1);

namespace Photogate;

/** @internal */
final class Answer
{
    /** @param array<string, string> $headers names in lower case */
    public function __construct(public readonly int $status, public readonly array $headers, public readonly string $body)
    {
    }

    public function isOk(): bool
    {
        return $this->status >= 200 && $this->status < 300;
    }

    /** Seconds from now; null where the answer says nothing that can be read. */
    public function retryAfter(): ?float
    {
        $text = trim($this->headers['retry-after'] ?? '');
        if (preg_match('/\A[0-9]{1,9}\z/', $text) === 1) {
            return (float) $text;
        }
        $moment = \DateTimeImmutable::createFromFormat('D, d M Y H:i:s \\G\\M\\T', $text, new \DateTimeZone('UTC'));

        return $moment === false ? null : max(0.0, (float) ($moment->getTimestamp() - time()));
    }
}
