<?php

namespace App\Http\Middleware;

use App\Models\Workspace;
use Closure;
use Illuminate\Http\Request;

/** The session's workspace must exist, and the user must own it or be one of its owners. */
class EnsureWorkspaceMember
{
    public function handle(Request $request, Closure $next)
    {
        $workspace = Workspace::find($request->session()->get('current_workspace'));
        abort_unless($workspace && $workspace->isOwnedBy($request->user()), 403, 'This action is unauthorized.');

        return $next($request);
    }
}
