<!DOCTYPE html>
<meta name="csrf-token" content="{{ csrf_token() }}">
<title>Log in</title>
<link rel="icon" href="data:,">
@foreach ($errors->all() as $error)
<p class="error">{{ $error }}</p>
@endforeach
<form method="post" action="/login">
    @csrf
    <input name="email" value="{{ old('email') }}"> <input name="workspace"> <button>Log in</button>
</form>
