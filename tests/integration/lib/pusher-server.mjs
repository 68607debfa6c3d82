// pusher-server: a small server of the Pusher protocol, in place of Reverb, soketi or Pusher itself.
//
//   const pusher = await startPusher();
//   const stack = await startStack({ env: { WA_RELAY: 'on', ...pusher.env() } });
//   const heard = await heardBy(pusher.echo(), `workspace.${id}`);         // what a page would hear
//   pusher.behave((request) => (request.name === 'qr-code-generated' ? 'hang' : undefined));
//
// Whether a request is signed as it should be, the official package decides. Below it stands what any HTTP
// peer of the relay can do: fail in every way, and remember what it was asked.

import { createHash, createHmac, randomBytes, randomInt } from 'node:crypto';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { packageOf } from './packages.mjs';
import { pause, until } from './processes.mjs';

const [Pusher, PusherClient, Echo, WebSocket] = await Promise.all(
  ['pusher', 'pusher-js', 'laravel-echo', 'ws'].map(packageOf));

/* As real ones allow for clocks that differ. */
const CLOCKS_DIFFER_S = 600;

const quiet = (error) => error;
/** Microseconds since 1970. */
const now = () => Math.round((performance.timeOrigin + performance.now()) * 1000);

// --- Any peer that speaks HTTP.

/** How many bytes the request was on the wire, as every client writes it. */
function sizeOf(request, body) {
  const { method, url, httpVersion, rawHeaders } = request;
  let size = Buffer.byteLength(`${method} ${url} HTTP/${httpVersion}\r\n\r\n`) + body.length;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    size += Buffer.byteLength(`${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`, 'latin1');
  }
  return size;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function send(response, { status = 200, headers = {}, body = '' }) {
  const isText = typeof body === 'string' || Buffer.isBuffer(body);
  const bytes = Buffer.from(isText ? body : JSON.stringify(body));
  response.writeHead(status, { 'Content-Type': isText ? 'text/plain' : 'application/json',
    'Content-Length': bytes.length, ...headers });
  response.end(bytes);
}

/* What else can come in place of an answer; `drop` is nothing but the end of the connection. */
const faults = {
  hang: () => {},
  drop: (response) => response.socket.destroy(),
  garbage: (response) => response.socket.end('SSH-2.0-OpenSSH_9.2p1 Debian\r\n'),
  close(response) {
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': 100 });
    response.write('{"succ', () => response.socket?.destroy());
  },
};

/**
 * A server on a port of 127.0.0.1: {port, requests, mostOpen, behave, start, stop, …}.
 *
 * `read(record)` adds members to the record of a request: {at (µs), method, url, path, query, headers, text, json,
 * bytes, connection, status}; `status` is what it was answered, null as long as it was not. `answer(record)` is what
 * comes unless `behave` says otherwise: {status, headers, body}, an object being sent as JSON. `upgrade` is for
 * WebSocket, `tls` {key, cert} for https.
 */
export async function startPeer({ port = 0, tls, read = () => ({}), answer, upgrade }) {
  const sockets = new Set();
  const numbers = new WeakMap();
  let server, behaviour, open = 0, connections = 0, used = 0;

  const peer = {
    port,
    scheme: tls ? 'https' : 'http',
    requests: [],
    /** The most requests that were open at one time. */
    mostOpen: 0,
    get open() {
      return open;
    },
    /** TCP connections that were accepted, ever. */
    get connections() {
      return connections;
    },

    /**
     * From now on `decide(record)` says, at once or later, what comes: {status, headers, body, after (ms)}, 'hang',
     * 'close' (in the middle of an answer), 'drop', 'garbage', or undefined for what is usual.
     */
    behave(decide) {
      behaviour = decide;
    },
    /** Wait until so many requests are there that pass; returns them. */
    received(count, passes = () => true) {
      return until(`${count} requests arrive`, () => {
        const some = peer.requests.filter(passes);
        return some.length >= count && some;
      });
    },
    /** Forget what was asked so far. */
    forget() {
      peer.requests.length = 0;
      peer.mostOpen = open;
    },

    async start() {
      server = tls ? createTlsServer(tls, serve) : createServer(serve);
      /* A connection is kept as long as the client likes. */
      Object.assign(server, { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 });
      server.on('connection', (socket) => {
        connections++;
        sockets.add(socket);
        socket.on('error', quiet).on('close', () => sockets.delete(socket));
      });
      server.on('tlsClientError', quiet).on('clientError', (error, socket) => socket.destroy());
      if (upgrade) server.on('upgrade', upgrade);
      await new Promise((resolve, reject) => {
        server.on('error', reject).listen(peer.port, '127.0.0.1', resolve);
      });
      peer.port = server.address().port;
    },
    /** From now on connections are refused; those that are open end. */
    async stop() {
      if (!server?.listening) return;
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };

  async function respond(record, response) {
    const told = await behaviour?.(record);
    if (typeof told === 'string') {
      faults[told](response);
      return;
    }
    if (told?.after) await pause(told.after);
    const given = told?.status ? told : await answer(record);
    record.status = given.status ?? 200;
    send(response, given);
  }

  async function serve(request, response) {
    const chunks = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      return;
    }
    const body = Buffer.concat(chunks);
    const { method, url, headers, socket } = request;
    if (!numbers.has(socket)) numbers.set(socket, ++used);
    const { pathname: path, searchParams } = new URL(url, 'http://peer');
    const record = { at: now(), method, url, path, query: Object.fromEntries(searchParams), headers,
      text: body.toString(), json: parsed(body.toString()), bytes: sizeOf(request, body),
      connection: numbers.get(socket), status: null };
    Object.assign(record, read(record));
    peer.requests.push(record);
    peer.mostOpen = Math.max(peer.mostOpen, ++open);
    response.on('error', quiet).on('close', () => open--);
    /* A test that decides by throwing is a mistake that must be seen, not a process that ends. */
    await respond(record, response).catch((error) => {
      record.status = 500;
      send(response, { status: 500, body: `the test itself failed: ${error.stack}` });
    });
  }

  await peer.start();
  return peer;
}

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
 * Options: app {id, key, secret}, maxBytes (a larger request is a 413, as with Reverb), tls {key, cert}, port.
 *
 * Requests are recorded also with `name`, `channel`, `data` (parsed) and `wrong`: why a strict server refuses
 * it, null if it is right.
 */
export async function startPusher({ app = newApp(), maxBytes = Infinity, tls, port } = {}) {
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

  const peer = await startPeer({ tls, port,
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
