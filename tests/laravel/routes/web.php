<?php

use App\Http\Controllers\AccountController;
use App\Http\Controllers\LoginController;
use App\Http\Controllers\MigrationController;
use Illuminate\Support\Facades\Route;

Route::get('/login', [LoginController::class, 'show'])->name('login');
Route::post('/login', [LoginController::class, 'login']);
Route::post('/logout', [LoginController::class, 'logout']);
Route::get('/whoami', [LoginController::class, 'whoami']);
Route::post('/profile', [LoginController::class, 'profile']);

Route::get('/settings/whatsapp-accounts', [AccountController::class, 'page'])->middleware('auth');

// What the pool does in C, done by Laravel: to compare and to measure.
Route::get('/php/accounts', [AccountController::class, 'index'])->middleware(['auth', 'member']);
Route::post('/php/validate', [AccountController::class, 'check']);

// Rows, as the rest of the application makes and reads them.
Route::middleware('auth')->group(function () {
    Route::post('/php/rows', [AccountController::class, 'store']);
    Route::get('/php/rows/{account}', [AccountController::class, 'show']);
    Route::patch('/php/rows/{account}', [AccountController::class, 'update']);
});

// All that a migration must not lose, through the models of before and of after: sessions or accounts.
Route::get('/php/all/{side}', [MigrationController::class, 'index']);
Route::post('/php/all/{side}', [MigrationController::class, 'store']);
Route::patch('/php/all/{side}/{id}', [MigrationController::class, 'update']);
