// simulator: a Node.js service without WhatsApp. It takes the relay's commands and reports to the pool, as the real one
// does; whoever holds the phone is a person with the page /phone, or a test.
//
//   const service = await startSimulator();
//   const stack = await startStack({ env: { WA_RELAY: 'on', ...service.env() } });
//   service.reportTo(stack);
//   await service.scan(account.session_id, '6281234567890');      // as soon as it shows a QR code
//   await service.stop();
//
// A session is what runs; a linked device is what lies on the disk, and outlives it: a session whose device is
// linked connects without a QR code.

import { randomBytes, randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { startNodeService } from '../integration/lib/node-service.mjs';
import { packageOf } from '../integration/lib/packages.mjs';
import { PhoneError, phonePages } from './phone.mjs';
import { startReports } from './reports.mjs';

const QRCode = await packageOf('qrcode');

/* So many times WhatsApp shows another code to a phone that does not come. */
const CODES_AT_MOST = 6;

/* A reference, and three keys of 32 bytes. */
const newCode = () => `2@${[96, 32, 32, 32].map((size) => randomBytes(size).toString('base64')).join(',')}`;
const somePhone = () => `62812${randomInt(1e7, 1e8)}`;

/**
 * How a service tells of its sessions: a function of each thing that happens to one, with what the pool said as its
 * result. `numberOf` says with which number the account was made.
 */
function broadcasts(reports) {
  const tell = (id, { workspace_id, account_id }, event, data) =>
    reports.about(id).tell(event, { account_id, workspace_id, ...data });
  const tellStatus = (id, session, status, more) => tell(id, session, 'account-status-changed', { status, ...more });
  return {
    code: (id, session, qr_code, expires_in) => tell(id, session, 'qr-code-generated', { qr_code, expires_in }),
    authenticated() {},
    connected: (id, session) => tellStatus(id, session, 'connected', { phone_number: session.phone_number,
      metadata: { platform: 'simulator' } }),
    ended: (id, session, reason) => tellStatus(id, session, 'disconnected', { metadata: { reason } }),
    failed: (id, session, error) => tellStatus(id, session, 'error', { metadata: { error } }),
    numberOf: async (id) => (await reports.read(`/${id}/status`))?.phone_number,
  };
}

/**
 * Options:
 *   port, key   where it listens, and what the relay's commands must have; chosen if they are not given
 *   secret, pool   signs the reports, and the URL to which they go: nginx's; or later reportTo()
 *   expiresIn   seconds for which a QR code is good
 *   qrAfterMs   after a command, until the session shows a QR code or is connected
 *   linked      the devices that lie on the disk: a Map from session_id to number, which several may share
 *   voice       another way to tell: (reports) => as `broadcasts` above
 *   remember, log
 *
 * It is a startNodeService(), with env(), requests, behave() and so on; `sessions` maps each session_id to
 * {workspace_id, account_id, status, code, codes, expires_at (ms), phone_number}.
 */
export async function startSimulator({ port, key, secret, pool, expiresIn = 60, qrAfterMs = 400, linked = new Map(),
  voice = broadcasts, remember, log } = {}) {
  const sessions = new Map();
  const timers = new Map();
  const to = { url: pool, secret };
  const reports = startReports(to, log);
  const tell = voice(reports);

  const later = (id, ms, what) => {
    clearTimeout(timers.get(id));
    timers.set(id, setTimeout(() => what(id), ms));
  };
  const rest = (id) => clearTimeout(timers.get(id));

  // --- The life of a session.

  function begin(id) {
    Object.assign(sessions.get(id), { status: 'initializing', code: null, codes: 0, expires_at: null });
    later(id, qrAfterMs, linked.has(id) ? resume : showCode);
  }

  function resume(id) {
    tell.authenticated(id, sessions.get(id));
    return connect(id);
  }

  async function showCode(id) {
    const session = sessions.get(id);
    if (session.codes === CODES_AT_MOST) {
      end(id, 'Max qrcode retries reached');
      return;
    }
    const code = newCode();
    Object.assign(session, { status: 'qr_scanning', code, codes: session.codes + 1,
      expires_at: Date.now() + expiresIn * 1000 });
    /* The next one is there before this one has expired; the last one is good to its end. */
    const isLast = session.codes === CODES_AT_MOST;
    later(id, (expiresIn - (isLast ? 0 : Math.min(5, expiresIn / 4))) * 1000, showCode);
    const image = await QRCode.toDataURL(code);
    if (sessions.get(id) !== session || session.code !== code) return;
    await tell.code(id, session, image, expiresIn);
  }

  function connect(id) {
    const session = sessions.get(id);
    Object.assign(session, { status: 'connected', code: null, expires_at: null, phone_number: linked.get(id) });
    return tell.connected(id, session);
  }

  function end(id, reason) {
    const session = sessions.get(id);
    rest(id);
    sessions.delete(id);
    return tell.ended(id, session, reason);
  }

  // --- The phone.

  function running(id) {
    if (!sessions.has(id)) throw new PhoneError('There is no such session.');
    return sessions.get(id);
  }

  /** The number that the account was made with; null if it has none. */
  async function numberOf(id) {
    const session = running(id);
    if (session.own_number === undefined) {
      session.own_number = await tell.numberOf(id) ?? null;
    }
    return session.own_number;
  }

  /** A phone scans the code; what the pool said when it was told: {status, json}. */
  async function scan(id, phone) {
    const session = running(id);
    if (!session.code) throw new PhoneError('This session shows no QR code now.');
    rest(id);
    Object.assign(session, { status: 'authenticated', code: null, expires_at: null });
    tell.authenticated(id, session);
    /* WhatsApp knows numbers by their digits. */
    const number = (phone ?? await numberOf(id) ?? '').replace(/\D/g, '') || somePhone();
    await pause(qrAfterMs / 2);
    if (sessions.get(id) !== session || session.status !== 'authenticated') {
      throw new PhoneError('The session has ended meanwhile.');
    }
    linked.set(id, number);
    return connect(id);
  }

  /** Somebody takes the linked device off the phone's list. */
  function unlink(id) {
    running(id);
    if (!linked.delete(id)) throw new PhoneError('No phone is linked to this session.');
    return end(id, 'LOGOUT');
  }

  /** Something breaks in the service; the session stays, and can be reconnected. */
  function fail(id, error = 'The browser of this session has crashed.') {
    const session = running(id);
    rest(id);
    Object.assign(session, { status: 'failed', code: null, expires_at: null });
    return tell.failed(id, session, error);
  }

  const phones = { sessions, linked, numberOf, scan, unlink, fail };
  const service = await startNodeService({ port, key, remember, sessions,
    before: phonePages(phones),
    done({ command, session: id }) {
      if (command === 'disconnect') rest(id);
      else if (command !== 'status') begin(id);
    },
  });
  const { stop } = service;

  return Object.assign(service, phones, {
    /** Where its reports go from now on; a stack is such a one. */
    reportTo: ({ url, secret: theirs }) => Object.assign(to, { url, secret: theirs }),
    /** Begin a session without a command: one that was here before. */
    wake(id, { workspace_id, account_id }) {
      sessions.set(id, { workspace_id, account_id });
      begin(id);
    },
    /** As after a restart: the sessions that were connected are so again; false if the pool does not say which. */
    async restore() {
      const active = await reports.read('/active?provider_type=webjs');
      for (const { session_id: id, ...account } of active?.accounts ?? []) {
        if (!id || sessions.has(id)) continue;
        linked.set(id, account.phone_number);
        sessions.set(id, { workspace_id: account.workspace_id, account_id: account.id, status: 'connected', code: null,
          codes: 0, expires_at: null, phone_number: account.phone_number });
      }
      return active !== null;
    },
    async stop() {
      for (const id of timers.keys()) rest(id);
      reports.stop();
      await stop();
    },
  });
}
