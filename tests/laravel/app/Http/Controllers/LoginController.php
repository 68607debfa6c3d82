<?php

namespace App\Http\Controllers;

use App\Models\User;
use Illuminate\Http\Request;
use Illuminate\Support\Facades\Auth;

class LoginController
{
    public function show()
    {
        return view('login');
    }

    /** Log in by e-mail alone; a workspace of any type goes into the session as it came. */
    public function login(Request $request)
    {
        $user = User::where('email', $request->input('email'))->firstOrFail();
        Auth::login($user);
        $request->session()->regenerate();
        if ($request->filled('workspace')) {
            $request->session()->put('current_workspace', $request->input('workspace'));
        }

        return redirect()->intended('/whoami');
    }

    public function logout(Request $request)
    {
        Auth::logout();
        $request->session()->invalidate();
        $request->session()->regenerateToken();

        return redirect('/login');
    }

    public function whoami(Request $request)
    {
        return [
            'user' => Auth::id(),
            'workspace' => $request->session()->get('current_workspace'),
            'session' => $request->session()->getId(),
            'token' => $request->session()->token(),
        ];
    }

    /** Input that is wrong is sent back: an error bag and the old input, objects and all, in the session. */
    public function profile(Request $request)
    {
        $request->validate(['first_name' => 'required|string|max:20', 'language' => 'required|in:en,id']);

        return redirect('/whoami');
    }
}
