// echo: Laravel Echo as the pool's settings say; the page carries them in <meta name="broadcaster">.

import Echo from 'laravel-echo';
import Pusher from 'pusher-js';

/* A connection that has died without a word is noticed within these. */
const ACTIVITY_MS = 10_000;
const PONG_MS = 5000;

/** Undefined where there is no broadcaster. */
export function createEcho() {
  const said = document.querySelector('meta[name="broadcaster"]')?.content;
  if (!said) return undefined;
  const { broadcaster, key, cluster, host, port, scheme } = JSON.parse(said);
  /* Without a host of its own it is reached where the page comes from. */
  const own = window.location;
  const isSecure = (scheme ?? own.protocol).startsWith('https');
  const wsPort = port ?? (own.port || (isSecure ? 443 : 80));
  return new Echo({ broadcaster, key, Pusher, cluster: cluster ?? '', wsHost: host ?? own.hostname, wsPort, wssPort: wsPort,
    forceTLS: isSecure, enabledTransports: ['ws', 'wss'], disableStats: true,
    activityTimeout: ACTIVITY_MS, pongTimeout: PONG_MS });
}
