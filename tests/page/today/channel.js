// What the page hears of its workspace.

/** `ready` is called when nothing is missed any more. */
export function listen(key, workspace, { qrCode, changed, ready }) {
  const { hostname, port } = location;
  const echo = new Echo.default({ broadcaster: 'reverb', key, wsHost: hostname, wsPort: Number(port), forceTLS: false,
    enabledTransports: ['ws'], authEndpoint: '/broadcasting/auth' });
  echo.private(`workspace.${workspace}`)
    .listen('.qr-code-generated', qrCode)
    .listen('.account-status-changed', changed)
    .subscribed(ready);
}
