<?php

namespace App\Http\Controllers;

use Illuminate\Http\Request;

class WebhookController
{
    const HEADERS = ['content-type', 'content-length', 'x-timestamp', 'x-hmac-signature', 'user-agent'];

    /** What of a request has arrived: enough to compare it with what was sent. */
    public function __invoke(Request $request)
    {
        $body = $request->getContent();

        return response()->json([
            'method' => $request->method(),
            'uri' => $request->getRequestUri(),
            'size' => strlen($body),
            'sha256' => hash('sha256', $body),
            'event' => $request->json('event'),
            'headers' => array_map(fn ($name) => $request->header($name), array_combine(self::HEADERS, self::HEADERS)),
        ]);
    }
}
