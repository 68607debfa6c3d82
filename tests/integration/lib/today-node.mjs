// today-node: the Node.js service as it is deployed today, without WhatsApp. It knows sessions and no accounts, reports
// by its webhook, shows its API key where it does not sign, and gives a report up after four tries.
//
//   const service = await startTodayNode({ scale: 0.1 });
//   const stack = await startStack({ env: { WA_RELAY: 'on', WA_NODE_API_KEY_IN: 'on', ...service.env() } });
//   service.reportTo(stack);
//   await service.restore();
//   await service.scan(account.session_id, '6281234567890');
//   assert.deepEqual(service.lost(), []);
//   await service.stop();
//
// For what it does with sessions and devices see tests/demo/simulator.mjs.

import { setTimeout as pause } from 'node:timers/promises';
import { startSimulator } from '../../demo/simulator.mjs';
import { SILENCE_MS, WEBHOOK, againAfter, send } from './node-request.mjs';
import { quiet } from './peer.mjs';
import { until } from './processes.mjs';
import { signedHeaders } from './sign.mjs';

const ACTIVE = '/api/whatsapp/accounts/active';
const markPath = (id) => `/api/whatsapp/sessions/${id}/mark-disconnected`;

const JSON_TYPE = { 'Content-Type': 'application/json' };

/**
 * Requests that are tried again, one independent of the other. `to` is {url, secret}, which may change; all pauses are
 * so much shorter as `scale` says.
 */
function startRequests(to, scale) {
  const all = [];
  const end = new AbortController();

  /** `headers()` are made anew for each try; the last answer, null if the service has ended before there was one. */
  async function insist(what, method, path, body, headers) {
    const request = { ...what, method, path, body, answers: [], pauses: [], done: false };
    all.push(request);
    let answer = null;
    for (let tries = 0; !end.signal.aborted; tries++) {
      answer = await send(`${to.url}${path}`, { method, body, headers: headers(), silence: SILENCE_MS * scale });
      request.answers.push(answer.status ?? answer.code);
      const wait = againAfter(answer, tries);
      if (wait === undefined) break;
      request.pauses.push(wait);
      await pause(wait * scale, undefined, { signal: end.signal }).catch(quiet);
    }
    request.done = true;
    return answer;
  }

  return {
    all,
    signed(event, data) {
      const body = JSON.stringify({ event, data });
      return insist({ event, session: data.session_id }, 'POST', WEBHOOK, body,
        () => ({ ...JSON_TYPE, ...signedHeaders(to.secret, body) }));
    },
    withKey: (key, method, path, body, more = {}) => insist({}, method, path, body,
      () => ({ ...(body === undefined ? {} : JSON_TYPE), 'X-API-Key': key, ...more })),
    stop: () => end.abort(),
  };
}

/** How it tells of its sessions. */
function webhooks(requests) {
  const tell = (id, { workspace_id }, event, data) => requests.signed(event, { workspace_id, session_id: id, ...data });
  return {
    code: (id, session, qr_code, expires_in) => tell(id, session, 'qr_code_generated', { qr_code, expires_in }),
    authenticated: (id, session) => tell(id, session, 'session_authenticated', { status: 'authenticated' }),
    connected: (id, session) => tell(id, session, 'session_ready', { phone_number: session.phone_number,
      status: 'connected', platform: 'android', extraction_method: 'client.info' }),
    ended: (id, session, reason) => tell(id, session, 'session_disconnected', { status: 'disconnected', reason }),
    failed: (id, session, error) => tell(id, session, 'session_error', { error: 'SESSION_ERROR', message: error }),
    /* It does not ask: whoever has the phone knows. */
    numberOf: async () => null,
  };
}

/**
 * Options: those of startSimulator() without `voice`, and `scale`, by which its pauses and its patience are multiplied.
 * A service that is started anew with the port, the key and the `linked` of another one is that one after a restart.
 */
export async function startTodayNode({ scale = 1, secret, pool, ...options } = {}) {
  const to = { url: pool, secret };
  const requests = startRequests(to, scale);
  const service = await startSimulator({ qrAfterMs: 50, ...options, voice: () => webhooks(requests) });
  const { stop } = service;

  /** The device is gone: nothing of this session can be had back. */
  const markDisconnected = (id, workspace_id, reason = 'Session could not be restored') => requests.withKey(service.key,
    'POST', markPath(id), JSON.stringify({ workspace_id, reason }));

  return Object.assign(service, {
    /** What it told and asked: {event, session, method, path, body, answers, pauses, done}. */
    told: requests.all,
    reportTo: ({ url, secret: theirs }) => Object.assign(to, { url, secret: theirs }),
    markDisconnected,

    /**
     * After a start: the sessions that the pool names, each from its device, or it is said that it has none. The answer
     * to its question; one that is no list is as good as an empty one.
     */
    async restore() {
      const answer = await requests.withKey(service.key, 'GET', ACTIVE, undefined, { 'X-Instance-Url': service.url });
      const named = answer?.status === 200 ? answer.json.sessions : [];
      await Promise.all(named.map(({ session_id: id, workspace_id, id: account_id }) => {
        if (!service.linked.has(id)) return markDisconnected(id, workspace_id);
        service.wake(id, { workspace_id, account_id });
        return undefined;
      }));
      return answer;
    },

    /** Wait until nothing is on its way or waits to be sent once more. */
    silent: () => until('the service has nothing more to say', () => requests.all.every(({ done }) => done)),
    /** The reports that have got no good answer, and never will. */
    lost: () => requests.all.filter(({ event, done, answers }) => event && done && answers.at(-1) !== 200)
      .map(({ event, session, answers }) => ({ event, session, answers })),

    async stop() {
      requests.stop();
      await stop();
    },
  });
}
