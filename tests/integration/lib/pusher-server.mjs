// pusher-server: a small server of the Pusher protocol, in place of Reverb, soketi or Pusher itself.
//
//   const pusher = await startPusher();
//   const stack = await startStack({ env: { WA_RELAY: 'on', ...pusher.env() } });
//   const heard = await heardBy(pusher.echo(), `workspace.${id}`);         // what a page would hear
//   pusher.behave((request) => (request.name === 'qr-code-generated' ? 'hang' : undefined));
//
// Whether a request is signed as it should be, the official package decides.

import { createHash, createHmac, randomBytes, randomInt } from 'node:crypto';
import { packageOf } from './packages.mjs';
import { parsed, quiet, startPeer } from './peer.mjs';

const [Pusher, PusherClient, Echo, WebSocket] = await Promise.all(
  ['pusher', 'pusher-js', 'laravel-echo', 'ws'].map(packageOf));

/* As real ones allow for clocks that differ. */
const CLOCKS_DIFFER_S = 600;

// --- The HTTP side of the Pusher protocol.

/** Why the query of this request does not prove that it comes from the application; null if it does. */
function wrongProof(app, official, { method, path, url, text }) {
  const query = url.slice(path.length + 1);
  const pairs = query.split('&').map((pair) => pair.split('='));
  const proof = Object.fromEntries(pairs);
  const names = pairs.map(([name]) => name).filter((name) => name !== 'auth_signature');
  if (names.join(' ') !== 'auth_key auth_timestamp auth_version body_md5') return `wrong parameters: ${names}`;
  if (pairs.length !== 5) return 'not one auth_signature';
  if (proof.auth_key !== app.key) return 'unknown auth_key';
  if (proof.auth_version !== '1.0') return 'wrong auth_version';
  if (!/^[1-9]\d{9}$/.test(proof.auth_timestamp)) return 'auth_timestamp is not in seconds';
  if (Math.abs(proof.auth_timestamp - Date.now() / 1000) > CLOCKS_DIFFER_S) return 'auth_timestamp is not about now';
  if (proof.body_md5 !== createHash('md5').update(text).digest('hex')) return 'wrong body_md5';
  const expected = queryOf(official, Number(proof.auth_timestamp), { method, path, body: text });
  return proof.auth_signature === new URLSearchParams(expected).get('auth_signature') ? null : 'wrong auth_signature';
}

/** The query that the official package would have sent at that second; it reads the clock itself. */
function queryOf(official, seconds, request) {
  const clock = Date.now;
  Date.now = () => seconds * 1000;
  try {
    return official.createSignedQueryString(request);
  } finally {
    Date.now = clock;
  }
}

/** Why this is no event; null if it is one. */
function wrongEvent({ headers, json }) {
  if (headers['content-type'] !== 'application/json') return 'wrong Content-Type';
  if (json === null || typeof json !== 'object') return 'the body is not a JSON object';
  if (typeof json.name !== 'string' || json.name === '' || json.name.length > 200) return 'wrong name';
  if (!Array.isArray(json.channels) || json.channels.length === 0) return 'wrong channels';
  if (!json.channels.every((name) => /^[-_=@,.;A-Za-z0-9]{1,200}$/.test(name))) return 'wrong channels';
  return typeof json.data === 'string' ? null : 'data is not a text';
}

/**
 * Options: app {id, key, secret}, maxBytes (a larger request is a 413, as with Reverb), and those of any peer: tls, port,
 * remember.
 *
 * Requests are recorded also with `name`, `channel`, `data` (parsed) and `wrong`: why a strict server refuses
 * it, null if it is right.
 */
export async function startPusher({ app = newApp(), maxBytes = Infinity, tls, port, remember } = {}) {
  const official = new Pusher({ appId: app.id, key: app.key, secret: app.secret });
  const subscriptions = new Subscriptions(app);
  const clients = [];

  function refusal(record) {
    const { method, path, bytes } = record;
    if (bytes > maxBytes) return { status: 413, headers: { Connection: 'close' }, body: 'Payload too large.' };
    if (path !== `/apps/${app.id}/events`) return { status: 404, body: 'No matching application.' };
    if (method !== 'POST') return { status: 405, body: 'Method not allowed.' };
    const proof = wrongProof(app, official, record);
    if (proof) return { status: 401, body: `Authentication signature invalid: ${proof}` };
    const event = wrongEvent(record);
    return event && { status: 422, body: event };
  }

  const peer = await startPeer({ tls, port, remember,
    read(record) {
      const { name, channels, data } = record.json ?? {};
      return { name, channel: channels?.[0], data: parsed(data ?? ''), wrong: refusal(record)?.body ?? null };
    },
    answer(record) {
      const refused = refusal(record);
      if (refused) return refused;
      for (const channel of record.json.channels) subscriptions.deliver(channel, record.name, record.json.data);
      return { status: 200, body: {} };
    },
    upgrade: (request, socket, head) => subscriptions.welcome(request, socket, head),
  });

  const connection = (more) => ({ cluster: '', wsHost: '127.0.0.1', wsPort: peer.port, wssPort: peer.port,
    forceTLS: tls !== undefined, enabledTransports: ['ws'], disableStats: true, ...more });
  const auth = (socketId, channel) => official.authorizeChannel(socketId, channel);

  return Object.assign(peer, {
    app,
    official,
    /** The settings that let the pool speak to this server; `kind` is 'reverb' or 'pusher'. */
    env(kind = 'reverb') {
      const prefix = kind.toUpperCase();
      return { BROADCAST_CONNECTION: kind, [`${prefix}_APP_ID`]: app.id, [`${prefix}_APP_KEY`]: app.key,
        [`${prefix}_APP_SECRET`]: app.secret, [`${prefix}_HOST`]: '127.0.0.1', [`${prefix}_PORT`]: peer.port,
        [`${prefix}_SCHEME`]: peer.scheme };
    },
    subscribers: (channel) => subscriptions.count(channel),

    /** pusher-js; `authorize(socketId, channel)` proves that it may listen. Ended with the server. */
    client({ authorize = auth, key = app.key } = {}) {
      const client = new PusherClient(key, connection({ channelAuthorization: {
        customHandler: ({ socketId, channelName }, done) => done(null, authorize(socketId, channelName)) } }));
      clients.push(client);
      return client;
    },
    /** Laravel Echo, which is pusher-js below; `broadcaster` is 'reverb' or 'pusher'. */
    echo({ authorize = auth, broadcaster = 'reverb' } = {}) {
      const echo = new Echo(connection({ broadcaster, key: app.key, Pusher: PusherClient,
        authorizer: ({ name }) => ({ authorize: (socketId, done) => done(null, authorize(socketId, name)) }) }));
      clients.push(echo);
      return echo;
    },
    /** Stop for good, and the clients too. */
    async end() {
      for (const client of clients) client.disconnect();
      await peer.stop();
    },
  });
}

export const newApp = () => ({ id: String(randomInt(100_000, 999_999)), key: randomBytes(10).toString('hex'),
  secret: randomBytes(10).toString('hex') });

/**
 * What Echo hears of a private channel, in order: [{name, data}]; resolves when the subscription stands. The dot
 * stands for an event that is not in Laravel's App\Events.
 */
export async function heardBy(echo, channel) {
  const heard = [];
  const subscription = echo.private(channel);
  for (const name of ['qr-code-generated', 'account-status-changed']) {
    subscription.listen(`.${name}`, (data) => heard.push({ name, data }));
  }
  await new Promise((resolve, reject) => subscription.subscribed(resolve).error(reject));
  return heard;
}

// --- The WebSocket side: who listens to which channel.

class Subscriptions {
  #app;
  #channels = new Map();
  #server = new WebSocket.Server({ noServer: true });

  constructor(app) {
    this.#app = app;
  }

  count = (channel) => this.#channels.get(channel)?.size ?? 0;

  deliver(channel, event, data) {
    for (const socket of this.#channels.get(channel) ?? []) socket.send(JSON.stringify({ event, channel, data }));
  }

  welcome(request, stream, head) {
    const { pathname, searchParams } = new URL(request.url, 'http://peer');
    this.#server.handleUpgrade(request, stream, head, (socket) => {
      const tell = (event, data, more = {}) =>
        socket.send(JSON.stringify({ event, data: JSON.stringify(data), ...more }));
      const refuse = (code, message) => tell('pusher:error', { code, message });
      socket.on('error', quiet).on('close', () => this.#forget(socket));
      if (pathname !== `/app/${this.#app.key}`) refuse(4001, 'Application does not exist');
      else if (searchParams.get('protocol') !== '7') refuse(4007, 'Unsupported protocol version');
      else {
        const id = `${randomInt(1, 1e9)}.${randomInt(1, 1e9)}`;
        socket.on('message', (bytes) => this.#hear({ socket, id, tell, refuse }, JSON.parse(bytes)));
        tell('pusher:connection_established', { socket_id: id, activity_timeout: 30 });
        return;
      }
      socket.close(4001);
    });
  }

  #hear(client, { event, data }) {
    if (event === 'pusher:ping') client.tell('pusher:pong', {});
    if (event === 'pusher:subscribe') this.#subscribe(client, data);
    if (event === 'pusher:unsubscribe') this.#channels.get(data.channel)?.delete(client.socket);
  }

  #subscribe({ socket, id, tell, refuse }, { channel, auth }) {
    const { key, secret } = this.#app;
    const proof = `${key}:${createHmac('sha256', secret).update(`${id}:${channel}`).digest('hex')}`;
    if (channel.startsWith('private-') && auth !== proof) {
      refuse(4009, 'Connection is unauthorized');
      return;
    }
    if (!this.#channels.has(channel)) this.#channels.set(channel, new Set());
    this.#channels.get(channel).add(socket);
    tell('pusher_internal:subscription_succeeded', {}, { channel });
  }

  #forget(socket) {
    for (const sockets of this.#channels.values()) sockets.delete(socket);
  }
}
