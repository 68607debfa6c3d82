<?php

namespace App\Http\Controllers;

use App\Models\CampaignLog;
use App\Models\Chat;
use App\Models\Contact;
use App\Models\WhatsAppAccount;
use App\Models\WhatsAppGroup;
use App\Models\WhatsAppSession;
use Illuminate\Database\Eloquent\Model;
use Illuminate\Http\Request;
use Illuminate\Support\Facades\Crypt;
use Throwable;

/** Sessions, or the accounts that they become: all that the application's models make of them. */
class MigrationController
{
    /** By side: the model, and what the tables around call it. */
    private const SIDES = [
        'sessions' => [WhatsAppSession::class, 'whatsappSession', 'sourceSession'],
        'accounts' => [WhatsAppAccount::class, 'whatsappAccount', 'sourceAccount'],
    ];

    /** What accounts show of the old words, too. */
    private const WORDS = ['qr_scanning', 'connected', 'disconnected', 'failed'];

    /** Every row, deleted ones too, with what hangs on it; and from there the way back to it. */
    public function index(string $side)
    {
        [$model, $owner, $source] = self::SIDES[$side];

        return response()->json([
            'rows' => $model::withTrashed()->with(['workspace', 'creator', 'contacts'])
                ->withCount(['chats', 'campaignLogs', 'groups', 'sourcedContacts', 'contacts'])
                ->orderBy('id')->get()->map(fn ($row) => $this->row($row)),
            'live' => $model::orderBy('id')->pluck('id'),
            'connected' => $model::connected()->orderBy('id')->pluck('id'),
            'by_word' => collect(self::WORDS)->mapWithKeys(fn ($word) => [
                $word => $model::where('status', $word)->orderBy('id')->pluck('id'),
            ]),
            'chats_of_connected' => Chat::whereHas($owner, fn ($query) => $query->where('status', 'connected'))
                ->orderBy('id')->pluck('id'),
            'around' => [
                'chats' => Chat::with($owner.':id,uuid', 'contact')->orderBy('id')->get(),
                'campaign_logs' => CampaignLog::with($owner.':id,uuid', 'contact')->orderBy('id')->get(),
                'groups' => WhatsAppGroup::with($owner.':id,uuid')->orderBy('id')->get(),
                'contacts' => Contact::with($source.':id,uuid')->orderBy('id')->get(),
            ],
        ]);
    }

    public function store(Request $request, string $side)
    {
        return response()->json($this->row(self::SIDES[$side][0]::create($request->all())->refresh()), 201);
    }

    public function update(Request $request, string $side, int $id)
    {
        $row = self::SIDES[$side][0]::findOrFail($id);
        $row->update($request->all());

        return $this->row($row->refresh());
    }

    /** As Eloquent gives it, each attribute through its cast, and as it is stored. */
    private function row(Model $row): array
    {
        $stored = $row->getRawOriginal();

        return [
            'stored' => $stored,
            'shown' => $row->makeHidden('session_data')->toArray(),
            'session_data' => $this->attempt(fn () => $row->session_data),
            'session_text' => $this->attempt(fn () => Crypt::decryptString($stored['session_data'] ?? '')),
        ];
    }

    /** Its value; of what is under a lost key, or was never encrypted, why not. */
    private function attempt(callable $read)
    {
        try {
            return ['value' => $read()];
        } catch (Throwable $error) {
            return ['error' => $error->getMessage()];
        }
    }
}
