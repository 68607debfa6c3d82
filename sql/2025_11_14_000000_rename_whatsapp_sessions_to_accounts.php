<?php

use Illuminate\Database\Migrations\Migration;

/*
 * Belongs into the application's database/migrations, in the place of any other migration that makes
 * whatsapp_accounts of whatsapp_sessions. The work is done by wa-accountsctl, which can be interrupted, verifies
 * what it did, and can take it back; it writes this migration's row into the table `migrations`, and removes it.
 * So Laravel never runs this file, unless somebody tries to go around it.
 */
return new class extends Migration
{
    public function up(): void
    {
        throw new RuntimeException('whatsapp_sessions becomes whatsapp_accounts by: wa-accountsctl --env .env migrate plan, then migrate up. Nothing was changed.');
    }

    public function down(): void
    {
        throw new RuntimeException('whatsapp_accounts becomes whatsapp_sessions again by: wa-accountsctl --env .env migrate down. Nothing was changed.');
    }
};
