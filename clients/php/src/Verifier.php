<?php

declare(strict_types=1);

namespace Photogate;

use Photogate\Exception\SignatureException;
use Photogate\Types\Event;

/** Verifies callbacks, which are signed according to Standard Webhooks (https://www.standardwebhooks.com). */
final class Verifier
{
    /** @var list<string> */
    private readonly array $keys;

    /**
     * @param string|list<string> $secrets `whsec_…`: one, or while it is rotated the old one and the new one
     * @param int $tolerance seconds that a timestamp may differ from the clock, either way
     */
    public function __construct(#[\SensitiveParameter] string|array $secrets, private readonly int $tolerance = 300)
    {
        $keys = [];
        foreach ((array) $secrets as $secret) {
            $text = str_starts_with($secret, 'whsec_') ? substr($secret, 6) : $secret;
            $key = strlen($text) % 4 === 0 ? base64_decode($text, true) : false;
            if ($key === false || $key === '') {
                throw new \InvalidArgumentException("a callback secret is not 'whsec_' and base64");
            }
            $keys[] = $key;
        }
        if ($keys === []) {
            throw new \InvalidArgumentException('there is no callback secret');
        }
        $this->keys = $keys;
    }

    /**
     * Throws unless one of the signatures was made with one of the secrets, a short time ago.
     *
     * @param array<string, string|list<string>> $headers
     * @param string $body the raw body, before any parsing
     * @param int|null $now seconds since 1970, in place of the clock
     */
    public function verifySignature(array $headers, string $body, ?int $now = null): void
    {
        $given = array_change_key_case($headers, CASE_LOWER);
        $value = static fn (string $name): string => (string) (is_array($given[$name] ?? '') ? ($given[$name][0] ?? '') : $given[$name] ?? '');
        [$id, $stamp, $signatures] = [$value('webhook-id'), $value('webhook-timestamp'), $value('webhook-signature')];
        if ($id === '' || $stamp === '' || $signatures === '') {
            throw new SignatureException('webhook-id, webhook-timestamp or webhook-signature is missing');
        }
        if (preg_match('/\A[0-9]{1,11}\z/', $stamp) !== 1) {
            throw new SignatureException('webhook-timestamp is not a number of seconds');
        }
        if (abs(($now ?? time()) - (int) $stamp) > $this->tolerance) {
            throw new SignatureException("webhook-timestamp is too far from this machine's clock");
        }
        $genuine = false;
        foreach ($this->keys as $key) {
            $expected = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$stamp.$body", $key, true));
            foreach (explode(' ', $signatures) as $entry) {
                $genuine = hash_equals($expected, $entry) || $genuine;
            }
        }
        if (!$genuine) {
            throw new SignatureException('no signature matches');
        }
    }

    /**
     * The callback's document, once its signature is verified as `verifySignature` does.
     *
     * @param array<string, string|list<string>> $headers
     */
    public function verify(array $headers, string $body, ?int $now = null): Event
    {
        $this->verifySignature($headers, $body, $now);
        $event = json_decode($body, true);
        if (!is_array($event) || !isset($event['type'])) {
            throw new SignatureException('the body is signed and is not an event');
        }

        return Event::fromArray($event);
    }
}
