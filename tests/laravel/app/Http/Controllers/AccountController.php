<?php

namespace App\Http\Controllers;

use App\Models\WhatsAppAccount;
use App\Services\WhatsApp\WhatsAppAccountService;
use Illuminate\Http\Request;
use Illuminate\Support\Facades\Validator;

class AccountController
{
    /** The page of the accounts, for whoever navigates to it: Inertia's page object, with what only PHP knows. */
    public function page(Request $request)
    {
        $page = [
            'component' => 'User/Settings/WhatsAppAccounts',
            'props' => $this->props($request) + ['companyName' => 'Toko Kopi', 'errors' => (object) []],
            'url' => $request->getRequestUri(),
            'version' => 'of-the-application',
        ];
        if ($request->header('X-Inertia')) {
            return response()->json($page)->header('X-Inertia', 'true');
        }

        return view('page', ['page' => $page, 'entry' => $this->entry()]);
    }

    /** What the pool answers to GET /settings/whatsapp-accounts. */
    public function index(Request $request)
    {
        return response()->json($this->props($request));
    }

    private function props(Request $request): array
    {
        $workspace = (int) $request->session()->get('current_workspace');
        $service = new WhatsAppAccountService($workspace);

        return [
            'accounts' => $service->getWorkspaceAccounts(),
            'canAddAccount' => $service->canAddAccount(),
            'modules' => [],
            'workspaceId' => $workspace,
        ];
    }

    /** The entry of Vite's manifest, as @vite finds it; null where the page has not been built. */
    private function entry(): ?array
    {
        $manifest = dirname(storage_path()).'/build/manifest.json';

        return is_file($manifest) ? json_decode(file_get_contents($manifest), true)['resources/js/app.js'] : null;
    }

    /** Which of the rules for a new account fail, by field, and Laravel's words for it. */
    public function check(Request $request)
    {
        $validator = Validator::make($request->all(), WhatsAppAccountService::RULES);
        $validator->passes();

        return response()->json([
            'failed' => array_map('array_keys', $validator->failed()),
            'errors' => $validator->errors(),
        ]);
    }

    public function store(Request $request)
    {
        return response()->json($this->row(WhatsAppAccount::create($request->all())), 201);
    }

    public function update(Request $request, WhatsAppAccount $account)
    {
        $account->update($request->all());

        return $this->row($account);
    }

    public function show(WhatsAppAccount $account)
    {
        return $this->row($account);
    }

    /** A row as Eloquent gives it, each attribute through its cast, and as it is stored. */
    private function row(WhatsAppAccount $account): array
    {
        $account->refresh();

        return ['attributes' => $account->toArray(), 'stored' => $account->getRawOriginal(),
            'is_healthy' => $account->isHealthy()];
    }
}
