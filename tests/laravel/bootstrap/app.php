<?php

require_once 'Illuminate/autoload.php';

spl_autoload_register(function (string $class) {
    if (str_starts_with($class, 'App\\')) {
        require dirname(__DIR__).'/app/'.strtr(substr($class, 4), '\\', '/').'.php';
    }
});

/* The tree is never written to: settings, sessions, caches and logs lie where the test wants them. */
$state = getenv('LARAVEL_STATE') ?: exit('LARAVEL_STATE is not set');
foreach (['CONFIG', 'EVENTS', 'PACKAGES', 'ROUTES', 'SERVICES'] as $cache) {
    $_SERVER["APP_{$cache}_CACHE"] = "$state/storage/bootstrap/".strtolower($cache).'.php';
}

$app = new Illuminate\Foundation\Application(dirname(__DIR__));
$app->useEnvironmentPath($state);
$app->useStoragePath("$state/storage");

$app->singleton(Illuminate\Contracts\Http\Kernel::class, App\Http\Kernel::class);
$app->singleton(Illuminate\Contracts\Console\Kernel::class, Illuminate\Foundation\Console\Kernel::class);
$app->singleton(Illuminate\Contracts\Debug\ExceptionHandler::class, Illuminate\Foundation\Exceptions\Handler::class);

return $app;
