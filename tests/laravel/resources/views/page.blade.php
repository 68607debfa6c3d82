<!DOCTYPE html>
<meta name="csrf-token" content="{{ csrf_token() }}">
<title>WhatsApp accounts</title>
<div id="app"></div>
