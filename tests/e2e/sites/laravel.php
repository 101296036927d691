<?php
// A small Laravel app around the code of docs/clients/laravel.md, which the test puts into Photogate.php and routes.php beside this
// file: php -S 127.0.0.1:PORT laravel.php
require_once 'Illuminate/autoload.php';
require_once __DIR__ . '/Photogate.php';

use Illuminate\Contracts\Debug\ExceptionHandler;
use Illuminate\Foundation\Bus\Dispatchable;
use Illuminate\Foundation\Exceptions\Handler;
use Illuminate\Support\Facades\Auth;
use Illuminate\Support\Facades\Route;

class SavePicture
{
    use Dispatchable;
    public function __construct(private string $type, private array $data) {}
    public function handle(): void
    {
        file_put_contents(getenv('SAVED'), json_encode([$this->type, $this->data['id'], $this->data['metadata'] ?? null]) . "\n", FILE_APPEND | LOCK_EX);
    }
}

class HttpKernel extends Illuminate\Foundation\Http\Kernel
{
    protected $bootstrappers = [
        Illuminate\Foundation\Bootstrap\LoadConfiguration::class, Illuminate\Foundation\Bootstrap\HandleExceptions::class,
        Illuminate\Foundation\Bootstrap\RegisterFacades::class, Illuminate\Foundation\Bootstrap\RegisterProviders::class,
        Illuminate\Foundation\Bootstrap\BootProviders::class];
    protected $middlewareGroups = ['web' => [
        Illuminate\Cookie\Middleware\EncryptCookies::class, Illuminate\Cookie\Middleware\AddQueuedCookiesToResponse::class,
        Illuminate\Session\Middleware\StartSession::class, Illuminate\Foundation\Http\Middleware\VerifyCsrfToken::class,
        Illuminate\Routing\Middleware\SubstituteBindings::class]];
    protected $routeMiddleware = ['auth' => Illuminate\Auth\Middleware\Authenticate::class];
}

class Site extends Illuminate\Support\ServiceProvider
{
    public function boot(): void
    {
        Auth::viaRequest('visitor', fn ($request) => $request->session()->get('visitor') ? new Illuminate\Auth\GenericUser(['id' => 7]) : null);
        $this->app->singleton(Photogate::class, fn () => new Photogate(getenv('GATEWAY'), getenv('KEY'), getenv('SECRET')));
        Route::middleware('web')->group(function () {
            Route::get('/', fn () => '<!doctype html><html lang="en"><head><title>A shop</title></head><body><input id="files" type="file"></body></html>');
            Route::get('/sign-in', function (Illuminate\Http\Request $request) {
                $request->session()->put('visitor', 7);
                return redirect('/');
            });
            require __DIR__ . '/routes.php';
        });
    }
}

$app = new Illuminate\Foundation\Application(__DIR__);
$app->singleton(Illuminate\Contracts\Http\Kernel::class, HttpKernel::class);
$app->singleton(ExceptionHandler::class, Handler::class);
$kernel = $app->make(Illuminate\Contracts\Http\Kernel::class);
$response = $kernel->handle($request = Illuminate\Http\Request::capture());
$response->send();
$kernel->terminate($request, $response);
