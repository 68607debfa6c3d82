// node-service: in place of the Node.js service that holds the WhatsApp sessions: its HTTP API, as the relay uses it.
//
//   const node = await startNodeService();
//   const stack = await startStack({ env: { WA_RELAY: 'on', ...node.env() } });
//   node.behave((request) => (request.command === 'connect' ? { status: 500 } : undefined));
//
// It keeps sessions, so that what was done twice or left undone can be seen.

import { randomBytes } from 'node:crypto';
import { startPeer } from './peer.mjs';

const COMMANDS = [
  ['connect', 'POST', /^\/api\/sessions$/],
  ['disconnect', 'DELETE', /^\/api\/sessions\/([^/]+)$/],
  ['reconnect', 'POST', /^\/api\/sessions\/([^/]+)\/reconnect$/],
  ['regenerate-qr', 'POST', /^\/api\/sessions\/([^/]+)\/regenerate-qr$/],
  ['status', 'GET', /^\/api\/sessions\/([^/]+)\/status$/],
];

/** Which command of the table a request is, and about which session. */
function commandOf({ method, path, json }) {
  for (const [command, verb, pattern] of COMMANDS) {
    const found = verb === method && path.match(pattern);
    if (found) return { command, session: found[1] === undefined ? json?.session_id : decodeURIComponent(found[1]) };
  }
  return { command: null, session: null };
}

const failure = (status, error) => ({ status, body: { success: false, error } });

/** The settings of a pool that has these instances; workspace w goes to number 1 + w mod their number. */
export const instances = (...nodes) => ({
  WHATSAPP_INSTANCE_COUNT: nodes.length,
  WHATSAPP_NODE_API_KEY: nodes[0].key,
  ...Object.fromEntries(nodes.map((node, i) => [`WHATSAPP_INSTANCE_${i + 1}`, node.url])),
});

/**
 * Options: key, port, remember, sessions (a Map that several instances may share, as they share a disk), and
 * before(record), which may answer in place of the API, and done(record), told of each command that was taken.
 *
 * Requests are recorded also with `command` (a word of the table, null for none) and `session`. `sessions` maps
 * each session_id to {workspace_id, account_id, status}. `adds(fn)`: fn(record) gives members that are added
 * to a good answer of connect, reconnect and regenerate-qr, as qr_code.
 */
export async function startNodeService({ key = randomBytes(16).toString('hex'), port, remember, sessions = new Map(),
  before, done } = {}) {
  let more = () => ({});

  const work = {
    connect(session, { workspace_id, account_id }) {
      if (!session) return failure(400, 'session_id is required');
      sessions.set(session, { workspace_id, account_id, status: 'qr_scanning' });
      return { status: 200, body: { success: true, message: 'Session created successfully', session_id: session,
        status: 'qr_scanning' } };
    },
    disconnect(session) {
      sessions.delete(session);
      return { status: 200, body: { success: true, message: 'Session disconnected successfully' } };
    },
    reconnect(session) {
      sessions.get(session).status = 'qr_scanning';
      return { status: 200, body: { success: true, message: 'Session reconnecting', session_id: session } };
    },
    'regenerate-qr': (session) => ({ status: 200, body: { success: true, message: 'QR code regenerated',
      session_id: session } }),
    status: (session) => ({ status: 200, body: { success: true, session_id: session,
      status: sessions.get(session).status } }),
  };

  const peer = await startPeer({ port, remember,
    read: commandOf,
    async answer(record) {
      const instead = await before?.(record);
      if (instead) return instead;
      const { command, session, headers, json, query } = record;
      const told = command === 'status' ? query.api_key : json?.api_key;
      if (headers['x-api-key'] !== key || told !== key) return failure(401, 'Invalid API key');
      if (command === null) return { status: 404, headers: { 'Content-Type': 'text/html' }, body: 'Cannot do that' };
      if (command !== 'connect' && !sessions.has(session)) return failure(404, 'Session not found');
      const given = work[command](session, json);
      if (given.status === 200 && command !== 'disconnect' && command !== 'status') {
        Object.assign(given.body, more(record));
      }
      if (given.status === 200) done?.(record);
      return given;
    },
  });

  return Object.assign(peer, {
    key,
    sessions,
    url: `http://127.0.0.1:${peer.port}`,
    adds: (fn) => (more = fn),
    /** The settings of a pool that has this instance only. */
    env: () => instances(peer),
    /** The requests about one session, or of one command. */
    about: ({ session_id }, command) => peer.requests.filter((record) => record.session === session_id
      && (command === undefined || record.command === command)),
  });
}
