<?php

namespace App\Services\WhatsApp;

use App\Models\WhatsAppAccount;

/** What the application makes of a workspace's accounts, and what it demands of a new one. */
class WhatsAppAccountService
{
    public const RULES = [
        'phone_number' => ['required', 'string', 'regex:/^(?=(?:\D*\d){5,20}\D*$)[0-9 +\-().]{1,50}$/'],
        'account_name' => ['nullable', 'string', 'max:255'],
        'provider_type' => ['required', 'string', 'in:webjs,meta'],
        'is_primary' => ['boolean'],
    ];

    private const MAX_ACCOUNTS = 10;

    public function __construct(private int $workspaceId)
    {
    }

    public function getWorkspaceAccounts()
    {
        return WhatsAppAccount::forWorkspace($this->workspaceId)
            ->orderBy('is_primary', 'desc')
            ->orderBy('created_at', 'desc')
            ->orderBy('id', 'desc')
            ->get()
            ->map(fn ($account) => $this->formatAccountData($account));
    }

    public function canAddAccount(): bool
    {
        return WhatsAppAccount::forWorkspace($this->workspaceId)->connected()->count() < self::MAX_ACCOUNTS;
    }

    private function formatAccountData($account): array
    {
        return [
            'id' => $account->id,
            'uuid' => $account->uuid,
            'phone_number' => $account->phone_number,
            'account_name' => $account->account_name,
            'provider_type' => $account->provider_type,
            'connection_status' => $account->connection_status,
            'is_primary' => $account->is_primary,
            'is_active' => $account->is_active,
            'formatted_phone_number' => $account->formatted_phone_number,
            'health_score' => $account->health_score,
            'created_at' => $account->created_at,
        ];
    }
}
