// peer: what any HTTP peer of the relay can do: answer, fail in every way, and remember what it was asked.

import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { freePort, pause, until } from './processes.mjs';

export const quiet = (error) => error;
/** Microseconds since 1970. */
const now = () => Math.round((performance.timeOrigin + performance.now()) * 1000);

/** How many bytes the request was on the wire, as every client writes it. */
function sizeOf(request, body) {
  const { method, url, httpVersion, rawHeaders } = request;
  let size = Buffer.byteLength(`${method} ${url} HTTP/${httpVersion}\r\n\r\n`) + body.length;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    size += Buffer.byteLength(`${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`, 'latin1');
  }
  return size;
}

/** A text as JSON; undefined if it is none. */
export function parsed(text) {
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
 * WebSocket, `tls` {key, cert} for https. Of what it was asked, it keeps the last `remember`.
 */
export async function startPeer({ port, tls, read = () => ({}), answer, upgrade, remember = Infinity }) {
  const sockets = new Set();
  const numbers = new WeakMap();
  let server, behaviour, open = 0, connections = 0, used = 0;

  const peer = {
    /* Nobody else's, also while it is stopped. */
    port: port || await freePort(),
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
    if (peer.requests.length > remember) peer.requests.shift();
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
