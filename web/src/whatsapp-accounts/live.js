// live: the workspace's events over Laravel Echo.
//
// The channel may have other listeners in the application: only our own are taken away again.

/**
 * Calls `hear(name, data)` for each event, `up()` whenever the subscription stands (also again), and `down()`
 * when the socket is not there any more. Returns a function that ends it.
 */
export function listen(echo, workspaceId, { hear, up, down }) {
  const channel = echo.private(`workspace.${workspaceId}`);
  const connection = echo.connector.pusher?.connection;
  let ended = false;

  const listeners = ['qr-code-generated', 'account-status-changed'].map((name) => {
    const listener = (data) => hear(name, data);
    /* The dot: these are no classes below App\Events. */
    channel.listen(`.${name}`, listener);
    return [`.${name}`, listener];
  });
  const changed = ({ current }) => current === 'connected' || down();
  const stands = () => ended || up();
  connection?.bind('state_change', changed);
  if (connection) channel.subscribed(stands).error(() => ended || down());
  if (channel.subscription?.subscribed && connection?.state === 'connected') up();

  return () => {
    ended = true;
    connection?.unbind('state_change', changed);
    for (const [name, listener] of listeners) channel.stopListening(name, listener);
  };
}
