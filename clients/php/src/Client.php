<?php

declare(strict_types=1);

namespace Photogate;

use Photogate\Exception\NetworkException;
use Photogate\Exception\ProblemException;
use Photogate\Types\Feed;
use Photogate\Types\NewBatch;
use Photogate\Types\NewPackage;
use Photogate\Types\NewPackageUrl;
use Photogate\Types\NewToken;
use Photogate\Types\NewUpload;
use Photogate\Types\NewUrl;
use Photogate\Types\Package;
use Photogate\Types\PackageUrl;
use Photogate\Types\Parts;
use Photogate\Types\PartsToSign;
use Photogate\Types\Profile;
use Photogate\Types\SignedParts;
use Photogate\Types\Token;
use Photogate\Types\Upload;
use Photogate\Types\Url;

/**
 * A gateway, as the holder of one credential sees it: an app server's key (`pg_…`), or a client token (`pgt_…`).
 *
 * Requests that fail are repeated as `$retry` says; a creation has an Idempotency-Key that stays the same over its attempts.
 * They throw a ProblemException where the gateway refuses, and a NetworkException where no answer comes.
 */
final class Client
{
    public const FINAL_STATES = ['published', 'rejected', 'failed', 'expired', 'cancelled', 'deleted'];
    private const LONGEST_WAIT = 20;

    public readonly string $baseUrl;

    /** @param float $timeout seconds of each exchange in which nothing passes */
    public function __construct(
        string $baseUrl,
        #[\SensitiveParameter] private readonly string $credential,
        public readonly float $timeout = 30.0,
        public readonly Retry $retry = new Retry(),
    ) {
        if (preg_match('~\Ahttps?://~i', $baseUrl) !== 1) {
            throw new \InvalidArgumentException('the base URL has to begin with http:// or https://');
        }
        $this->baseUrl = rtrim($baseUrl, '/');
    }

    /** A presigned upload of one file. */
    public function createUpload(NewUpload $wanted, ?string $idempotencyKey = null): CreatedUpload
    {
        return CreatedUpload::fromArray($this->create('/v1/uploads', $wanted, $idempotencyKey));
    }

    /**
     * Up to 500.
     *
     * @param list<NewUpload> $uploads
     */
    public function createUploads(array $uploads, ?string $idempotencyKey = null): Batch
    {
        return Batch::fromArray($this->create('/v1/uploads/batch', new NewBatch($uploads), $idempotencyKey));
    }

    /** With `$wait`, the answer comes once the state is final, or after so many seconds (60 at most). */
    public function getUpload(string $id, int $wait = 0): Upload
    {
        return Upload::fromArray($this->call('GET', '/v1/uploads/' . rawurlencode($id), query: ['wait' => $wait ?: null], wait: $wait));
    }

    /** The upload once its state is final, or as it is after so many seconds: its state tells. */
    public function waitForUpload(string $id, float $seconds = 60.0): Upload
    {
        $deadline = microtime(true) + $seconds;
        do {
            $upload = $this->getUpload($id, max(0, min(self::LONGEST_WAIT, (int) ceil($deadline - microtime(true)))));
        } while (!in_array($upload->state, self::FINAL_STATES, true) && microtime(true) < $deadline);

        return $upload;
    }

    /**
     * All uploads that are so, newest first; pages are fetched as the iteration gets there.
     *
     * @param array<string, string> $metadata
     * @return \Generator<int, Upload>
     */
    public function listUploads(
        ?string $state = null,
        ?string $profile = null,
        ?string $createdAfter = null,
        array $metadata = [],
        ?string $similarTo = null,
        ?int $distance = null,
        ?string $app = null,
        int $pageSize = 50,
    ): \Generator {
        $query = ['state' => $state, 'profile' => $profile, 'created_after' => $createdAfter, 'similar_to' => $similarTo, 'distance' => $distance, 'app' => $app, 'limit' => $pageSize];
        foreach ($metadata as $name => $value) {
            $query["metadata.$name"] = $value;
        }
        foreach ($this->pages('/v1/uploads', $query) as $each) {
            yield Upload::fromArray($each);
        }
    }

    /** The same upload with a fresh presigned URL. */
    public function signUpload(string $id): CreatedUpload
    {
        return CreatedUpload::fromArray($this->call('POST', '/v1/uploads/' . rawurlencode($id) . '/sign', new \stdClass()));
    }

    /** Reports that the file is in the store, joining its parts. A ProblemException `object_not_found` if it is not. May be repeated. */
    public function completeUpload(string $id): Upload
    {
        return Upload::fromArray($this->call('POST', '/v1/uploads/' . rawurlencode($id) . '/complete'));
    }

    /** Cancels an upload that is not processed yet; erases the files and the personal data of one that is. */
    public function deleteUpload(string $id): Upload
    {
        return Upload::fromArray($this->call('DELETE', '/v1/uploads/' . rawurlencode($id)));
    }

    /** Processes a rejected or failed upload again. */
    public function retryUpload(string $id): Upload
    {
        return Upload::fromArray($this->call('POST', '/v1/uploads/' . rawurlencode($id) . '/retry'));
    }

    /** The URL of the picture or of a version of it, signed where the profile is private. */
    public function imageUrl(string $id, NewUrl $wanted = new NewUrl()): Url
    {
        return Url::fromArray($this->call('POST', '/v1/uploads/' . rawurlencode($id) . '/url', $wanted));
    }

    public function listParts(string $id): Parts
    {
        return Parts::fromArray($this->call('GET', '/v1/uploads/' . rawurlencode($id) . '/parts'));
    }

    public function signParts(string $id, PartsToSign $wanted): SignedParts
    {
        return SignedParts::fromArray($this->call('POST', '/v1/uploads/' . rawurlencode($id) . '/parts/sign', $wanted));
    }

    /**
     * Sends the file of an upload that was created, by the way that its grant says, and reports that it has arrived.
     *
     * @param (callable(int, int): mixed)|null $progress with the bytes sent and their total, which fall when something is sent again.
     *     Returning false ends the upload with an AbortedException; it stays, and may be sent again or deleted.
     */
    public function send(CreatedUpload $created, File $file, Way $way = Way::Auto, ?callable $progress = null): Upload
    {
        if ($created->grant === null) {
            return $this->getUpload($created->upload->id);
        }
        (new Sender($this, $created->upload->id, $created->grant, $file, $way, $progress))->run();

        return $this->completeUpload($created->upload->id);
    }

    /**
     * Creates an upload, sends the file, and waits up to `$wait` seconds for its end. Size, name and type are the file's unless they are given.
     *
     * @param (callable(int, int): mixed)|null $progress as of `send`
     */
    public function upload(
        File $file,
        NewUpload $wanted = new NewUpload(),
        Way $way = Way::Auto,
        ?callable $progress = null,
        float $wait = 60.0,
        ?string $idempotencyKey = null,
    ): Upload {
        $given = get_object_vars($wanted);
        $given['size'] ??= $file->size;
        $given['filename'] ??= $file->name;
        $given['contentType'] ??= $file->contentType;
        $created = $this->createUpload(new NewUpload(...$given), $idempotencyKey);
        $sent = $this->send($created, $file, $way, $progress);

        return $wait > 0 && !in_array($sent->state, self::FINAL_STATES, true) ? $this->waitForUpload($sent->id, $wait) : $sent;
    }

    /** A token for a browser or a phone. It needs an app server's key. */
    public function createToken(NewToken $wanted = new NewToken()): Token
    {
        return Token::fromArray($this->call('POST', '/v1/tokens', $wanted));
    }

    /** What may be uploaded. */
    public function getProfile(?string $profile = null): Profile
    {
        return Profile::fromArray($this->call('GET', '/v1/profile', query: ['profile' => $profile]));
    }

    /** A zip of many pictures. */
    public function createPackage(NewPackage $wanted, ?string $idempotencyKey = null): Package
    {
        return Package::fromArray($this->create('/v1/packages', $wanted, $idempotencyKey));
    }

    public function getPackage(string $id, int $wait = 0): Package
    {
        return Package::fromArray($this->call('GET', '/v1/packages/' . rawurlencode($id), query: ['wait' => $wait ?: null], wait: $wait));
    }

    /** All packages, newest first. @return \Generator<int, Package> */
    public function listPackages(?string $app = null, int $pageSize = 50): \Generator
    {
        foreach ($this->pages('/v1/packages', ['app' => $app, 'limit' => $pageSize]) as $each) {
            yield Package::fromArray($each);
        }
    }

    /** Another link to a package. */
    public function packageUrl(string $id, NewPackageUrl $wanted = new NewPackageUrl()): PackageUrl
    {
        return PackageUrl::fromArray($this->call('POST', '/v1/packages/' . rawurlencode($id) . '/url', $wanted));
    }

    public function deletePackage(string $id): Package
    {
        return Package::fromArray($this->call('DELETE', '/v1/packages/' . rawurlencode($id)));
    }

    /**
     * The events of callbacks that there are by now, oldest first, by pages. Store a page's `next` in the same transaction as your result of
     * its `data`, and pass it as `$after` the next time: each event is then handled once.
     *
     * @return \Generator<int, Feed>
     */
    public function events(?string $after = null, int $pageSize = 50): \Generator
    {
        do {
            $page = Feed::fromArray($this->call('GET', '/v1/events', query: ['after' => $after, 'limit' => $pageSize]));
            yield $page;
            $after = $page->next;
        } while ($page->more);
    }

    /** @return array<string, mixed> */
    private function create(string $path, \JsonSerializable $wanted, ?string $idempotencyKey): array
    {
        return $this->call('POST', $path, $wanted, headers: ['Idempotency-Key' => $idempotencyKey ?? bin2hex(random_bytes(16))]);
    }

    /**
     * @param array<string, string|int|null> $query
     * @return \Generator<int, array<string, mixed>>
     */
    private function pages(string $path, array $query): \Generator
    {
        do {
            $page = $this->call('GET', $path, query: $query);
            foreach ($page['data'] as $each) {
                yield $each;
            }
            $query['cursor'] = $page['next'];
        } while ($page['next'] !== null);
    }

    /**
     * @param array<string, string|int|null> $query
     * @param array<string, string> $headers
     * @return array<string, mixed>
     */
    private function call(string $method, string $path, \JsonSerializable|\stdClass|null $wanted = null, array $query = [], array $headers = [], int $wait = 0): array
    {
        $words = http_build_query(array_filter($query, static fn (mixed $value): bool => $value !== null), '', '&', PHP_QUERY_RFC3986);
        $url = $this->baseUrl . $path . ($words === '' ? '' : "?$words");
        $headers += ['Authorization' => "Bearer {$this->credential}", 'Accept' => 'application/json'];
        $body = null;
        if ($wanted !== null) {
            $headers['Content-Type'] = 'application/json';
            $text = json_encode($wanted, JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES);
            $body = [strlen($text), static fn (int $start, int $length): string => substr($text, $start, $length)];
        }
        for ($failures = 1; ; $failures++) {
            try {
                $answer = Http::exchange($method, $url, $headers, $body, $this->timeout + $wait);
            } catch (NetworkException $error) {
                if (!$this->retry->mayRepeat($failures)) {
                    throw $error;
                }
                $this->retry->pause($failures);
                continue;
            }
            if ($answer->isOk()) {
                $data = json_decode($answer->body, true);
                if (!is_array($data)) {
                    throw new ProblemException($answer->status, "http_{$answer->status}", 'the answer is not JSON', null, $answer->headers['x-request-id'] ?? null, [], null);
                }

                return $data;
            }
            $after = $answer->retryAfter();
            if (!Retry::isRetried($answer->status) || !$this->retry->mayRepeat($failures, $after)) {
                throw ProblemException::of($answer->status, $answer->headers['x-request-id'] ?? null, $answer->body, $after);
            }
            $this->retry->pause($failures, $after);
        }
    }
}
