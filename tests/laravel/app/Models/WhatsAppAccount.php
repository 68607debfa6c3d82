<?php

namespace App\Models;

use Illuminate\Database\Eloquent\Model;
use Illuminate\Database\Eloquent\Relations\BelongsTo;
use Illuminate\Database\Eloquent\Relations\BelongsToMany;
use Illuminate\Database\Eloquent\Relations\HasMany;
use Illuminate\Database\Eloquent\SoftDeletes;
use Illuminate\Support\Str;

/**
 * The application's model as it is: its casts and accessors are what the pool has to agree with. `status`, the old
 * word, is computed by the database: it is read here and there, and never filled.
 */
class WhatsAppAccount extends Model
{
    use SoftDeletes;

    protected $table = 'whatsapp_accounts';

    protected $fillable = [
        'uuid', 'workspace_id', 'account_name', 'phone_number',
        'provider_type', 'connection_status', 'qr_code', 'session_data',
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
        return $this->hasMany(Chat::class, 'whatsapp_account_id');
    }

    public function campaignLogs(): HasMany
    {
        return $this->hasMany(CampaignLog::class, 'whatsapp_account_id');
    }

    public function groups(): HasMany
    {
        return $this->hasMany(WhatsAppGroup::class, 'whatsapp_account_id');
    }

    public function sourcedContacts(): HasMany
    {
        return $this->hasMany(Contact::class, 'source_account_id');
    }

    public function contacts(): BelongsToMany
    {
        return $this->belongsToMany(Contact::class, 'contact_accounts', 'whatsapp_account_id')
            ->withPivot(['first_interaction_at', 'last_interaction_at', 'total_messages'])
            ->withTimestamps();
    }

    public function scopeConnected($query)
    {
        return $query->where('connection_status', 'connected');
    }

    public function scopeForWorkspace($query, $workspaceId)
    {
        return $query->where('workspace_id', $workspaceId);
    }

    public function getFormattedPhoneNumberAttribute(): ?string
    {
        if (!$this->phone_number) return null;
        $phone = preg_replace('/[^\d+]/', '', $this->phone_number);
        return strlen($phone) >= 10 ? '+'.ltrim($phone, '+') : $phone;
    }

    public function getHealthScoreAttribute(): int
    {
        $score = 100;
        if ($this->connection_status !== 'connected') $score -= 50;
        if ($this->last_activity_at && $this->last_activity_at->lt(now()->subHour())) $score -= 20;

        if ($this->metadata) {
            if (isset($this->metadata['recent_failures']) && $this->metadata['recent_failures'] > 0) {
                $score -= min($this->metadata['recent_failures'] * 10, 30);
            }
        }

        return max(0, $score);
    }

    public function isHealthy(): bool
    {
        return $this->health_score >= 70 && $this->connection_status === 'connected';
    }
}
