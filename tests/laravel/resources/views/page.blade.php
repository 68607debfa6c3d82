<!DOCTYPE html>
<html lang="id">
<head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="csrf-token" content="{{ csrf_token() }}">
    <title>WhatsApp accounts</title>
    <link rel="icon" href="data:,">
@if ($entry)
@foreach ($entry['css'] as $style)
    <link rel="stylesheet" href="/build/{{ $style }}">
@endforeach
    <script type="module" src="/build/{{ $entry['file'] }}"></script>
@endif
</head>
<body>
    <div id="app" data-page="{{ json_encode($page) }}"></div>
</body>
</html>
