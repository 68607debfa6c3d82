<?php

use App\Http\Controllers\WebhookController;
use Illuminate\Support\Facades\Route;

// What the Node.js service reports and the pool hands on: no session, no CSRF token.
Route::any('/api/whatsapp/webhooks/webjs', WebhookController::class);
