<?php

namespace App\Models;

use Illuminate\Database\Eloquent\Model;
use Illuminate\Database\Eloquent\Relations\BelongsTo;
use Illuminate\Database\Eloquent\SoftDeletes;

class Contact extends Model
{
    use SoftDeletes;

    public function sourceSession(): BelongsTo
    {
        return $this->belongsTo(WhatsAppSession::class, 'source_session_id');
    }

    public function sourceAccount(): BelongsTo
    {
        return $this->belongsTo(WhatsAppAccount::class, 'source_account_id');
    }
}
