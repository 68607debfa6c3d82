<?php

namespace App\Models;

use Illuminate\Database\Eloquent\Model;
use Illuminate\Database\Eloquent\Relations\BelongsTo;
use Illuminate\Database\Eloquent\Relations\BelongsToMany;
use Illuminate\Database\Eloquent\Relations\HasMany;
use Illuminate\Database\Eloquent\SoftDeletes;
use Illuminate\Support\Str;

/** What WhatsAppAccount was, before the migration. */
class WhatsAppSession extends Model
{
    use SoftDeletes;

    protected $table = 'whatsapp_sessions';

    protected $fillable = [
        'uuid', 'workspace_id', 'session_id', 'phone_number',
        'provider_type', 'status', 'qr_code', 'session_data',
        'is_primary', 'is_active', 'last_activity_at',
        'last_connected_at', 'metadata', 'created_by',
    ];

    protected $casts = [
        'session_data' => 'encrypted:array',
        'metadata' => 'array',
        'is_primary' => 'boolean',
        'is_active' => 'boolean',
        'last_activity_at' => 'datetime',
        'last_connected_at' => 'datetime',
    ];

    protected static function boot()
    {
        parent::boot();
        static::creating(function ($model) {
            if (empty($model->uuid)) {
                $model->uuid = Str::uuid()->toString();
            }
        });
    }

    public function workspace(): BelongsTo
    {
        return $this->belongsTo(Workspace::class);
    }

    public function creator(): BelongsTo
    {
        return $this->belongsTo(User::class, 'created_by');
    }

    public function chats(): HasMany
    {
        return $this->hasMany(Chat::class, 'whatsapp_session_id');
    }

    public function campaignLogs(): HasMany
    {
        return $this->hasMany(CampaignLog::class, 'whatsapp_session_id');
    }

    public function groups(): HasMany
    {
        return $this->hasMany(WhatsAppGroup::class, 'whatsapp_session_id');
    }

    public function sourcedContacts(): HasMany
    {
        return $this->hasMany(Contact::class, 'source_session_id');
    }

    public function contacts(): BelongsToMany
    {
        return $this->belongsToMany(Contact::class, 'contact_sessions', 'whatsapp_session_id')
            ->withPivot(['first_interaction_at', 'last_interaction_at', 'total_messages'])
            ->withTimestamps();
    }

    public function scopeConnected($query)
    {
        return $query->whereIn('status', ['connected', 'authenticated']);
    }
}
