<?php

// Drives the PHP library for tests/e2e/test_client_libraries.py: a request a line of JSON, an answer a line.

declare(strict_types=1);

use Photogate\Exception;
use Photogate\Types;

set_error_handler(static fn (int $level, string $text, string $file, int $line) => throw new ErrorException($text, 0, $level, $file, $line));
spl_autoload_register(static function (string $class) use ($argv): void {
    require $argv[1] . '/src/' . strtr(substr($class, strlen('Photogate\\')), '\\', '/') . '.php';
});

/** The documents as the REST interface has them: what was given to a class comes out of it again. */
function plain(mixed $value): mixed
{
    if (is_array($value)) {
        return array_map(plain(...), $value);
    }
    if ($value instanceof Photogate\CreatedUpload) {
        return ['upload' => plain($value->grant)] + plain($value->upload);
    }
    if (!is_object($value)) {
        return $value;
    }
    $made = [];
    foreach (get_object_vars($value) as $name => $each) {
        $made[strtolower(preg_replace('/[A-Z]/', '_$0', $name))] = plain($each);
    }

    return $made;
}

/** Named arguments of a class of the library, from the members of a document. */
function made(string $class, array $members): object
{
    $given = [];
    foreach ($members as $name => $value) {
        $given[lcfirst(str_replace('_', '', ucwords($name, '_')))] = $value;
    }
    if (isset($given['items'])) {
        $given['items'] = array_map(static fn (array $item) => new Types\NewPackageItem(...$item), $given['items']);
    }

    return new $class(...$given);
}

/** @return array{Photogate\Way, callable, ArrayObject} */
function watched(array $asked): array
{
    $seen = new ArrayObject();
    $way = ['auto' => Photogate\Way::Auto, 'direct' => Photogate\Way::Direct, 'resumable' => Photogate\Way::Resumable][$asked['way'] ?? 'auto'];
    $progress = static function (int $sent, int $total) use ($seen, $asked): bool {
        $seen->append([$sent, $total]);

        return !isset($asked['abort_after']) || $sent < $asked['abort_after'];
    };

    return [$way, $progress, $seen];
}

function told(Types\Upload $upload, ArrayObject $seen): array
{
    $all = $seen->getArrayCopy();

    return ['upload' => plain($upload), 'progress' => ['calls' => count($all), 'last' => $all === [] ? null : end($all)]];
}

function answer(array $asked): mixed
{
    if ($asked['op'] === 'verify') {
        $verifier = new Photogate\Verifier($asked['secrets'], $asked['tolerance'] ?? 300);
        $check = empty($asked['parse']) ? $verifier->verifySignature(...) : $verifier->verify(...);

        return plain($check($asked['headers'], base64_decode($asked['body']), $asked['now'] ?? null));
    }
    $client = new Photogate\Client($asked['gateway'], $asked['credential'], (float) ($asked['timeout'] ?? 30),
        new Photogate\Retry($asked['attempts'] ?? 6, $asked['base'] ?? 0.05));
    $ids = static fn (iterable $each) => array_map(static fn (object $one) => $one->id, iterator_to_array($each, false));
    switch ($asked['op']) {
        case 'create':
            return plain($client->createUpload(made(Types\NewUpload::class, $asked['wanted'])));
        case 'batch':
            $batch = $client->createUploads(array_map(static fn (array $each) => made(Types\NewUpload::class, $each), $asked['uploads']));
            $items = [];
            foreach ($batch->data as $index => $each) {
                $items[] = plain($each) + ['index' => $index];
            }

            return ['data' => $items, 'created' => $batch->created, 'refused' => $batch->refused];
        case 'upload':
            [$way, $progress, $seen] = watched($asked);
            $upload = $client->upload(Photogate\File::fromPath($asked['file']), made(Types\NewUpload::class, $asked['wanted']), $way, $progress, $asked['wait'] ?? 60);

            return told($upload, $seen);
        case 'send':
            [$way, $progress, $seen] = watched($asked);
            $created = Photogate\CreatedUpload::fromArray($asked['created']);

            return told($client->send($created, Photogate\File::fromPath($asked['file']), $way, $progress), $seen);
        case 'wait':
            return plain($client->waitForUpload($asked['id'], $asked['seconds']));
        case 'list':
            return $ids($client->listUploads(state: $asked['state'] ?? null, metadata: $asked['metadata'] ?? [], pageSize: $asked['page_size']));
        case 'list_packages':
            return $ids($client->listPackages(pageSize: $asked['page_size']));
        case 'events':
            $pages = [];
            foreach ($client->events($asked['after'] ?? null, $asked['page_size']) as $page) {
                $pages[] = ['page' => array_map(static fn (Types\Event $event) => $event->type, $page->data), 'next' => $page->next];
            }

            return $pages;
        case 'create_package':
            return plain($client->createPackage(made(Types\NewPackage::class, $asked['wanted'])));
        case 'get_package':
            return plain($client->getPackage($asked['id'], $asked['wait']));
        case 'create_token':
            return plain($client->createToken(made(Types\NewToken::class, $asked['wanted'])));
        case 'get_profile':
            return plain($client->getProfile());
        default:
            return plain($client->{lcfirst(str_replace('_', '', ucwords($asked['op'], '_')))}($asked['id']));
    }
}

while (($line = fgets(STDIN)) !== false) {
    try {
        $made = ['ok' => answer(json_decode($line, true, flags: JSON_THROW_ON_ERROR))];
    } catch (Exception\ProblemException $error) {
        $made = ['error' => ['type' => 'problem', 'status' => $error->status, 'code' => $error->problemCode, 'title' => $error->title, 'detail' => $error->detail,
            'request_id' => $error->requestId, 'errors' => plain($error->errors), 'retry_after' => $error->retryAfter]];
    } catch (Exception\StoreException $error) {
        $made = ['error' => ['type' => 'store', 'status' => $error->status, 'code' => $error->storeCode]];
    } catch (Exception\PhotogateException $error) {
        $made = ['error' => ['type' => strtolower(str_replace('Exception', '', (new ReflectionClass($error))->getShortName())), 'message' => $error->getMessage()]];
    } catch (InvalidArgumentException $error) {
        $made = ['error' => ['type' => 'usage', 'message' => $error->getMessage()]];
    }
    echo json_encode($made, JSON_THROW_ON_ERROR), "\n";
}
