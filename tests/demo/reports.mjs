// reports: how the Node.js service tells the pool what has happened: signed, and tried again as the real one does.
//
//   const reports = startReports({ url: 'http://127.0.0.1:8080', secret });
//   await reports.about('webjs_1_1763000000_abcdefgh').tell('account-status-changed', { account_id, … });

import { setTimeout as pause } from 'node:timers/promises';
import { call } from '../integration/lib/http.mjs';
import { signedHeaders } from '../integration/lib/sign.mjs';

const BASE = '/api/whatsapp/accounts';
const SILENCE_MS = 10_000;

/* A 5xx or a reset is lost for good. */
const AGAIN_AFTER_MS = {
  429: [1000, 2000, 4000],
  ECONNREFUSED: [2000, 4000, 8000],
  ETIMEDOUT: [2000, 4000, 8000],
};

const quiet = (error) => error;

/** `to` is {url, secret}, which may change; `log(line)` hears of every answer, and of what got none. */
export function startReports(to, log = () => {}) {
  const lines = new Map();
  const end = new AbortController();

  /** One request, signed now: {status, json}, or {status: null, code} where there was no answer. */
  async function ask(method, path, body) {
    const type = body === undefined ? {} : { 'Content-Type': 'application/json' };
    try {
      const { status, text } = await call(`${to.url}${path}`, { method, body, silence: SILENCE_MS,
        headers: { ...type, ...signedHeaders(to.secret, body) } });
      return { status, json: text.startsWith('{') ? JSON.parse(text) : undefined };
    } catch (error) {
      return { status: null, code: error.code ?? error.message };
    }
  }

  /** The last answer; null if there was none before `signal` said that nobody wants it any more. */
  async function insist(signal, method, path, body) {
    for (let tries = 0; !signal.aborted && !end.signal.aborted; tries++) {
      const answer = await ask(method, path, body);
      log(`${method} ${path} ${answer.status ?? answer.code}${body ? ` ${body.slice(0, 200)}` : ''}`);
      const wait = AGAIN_AFTER_MS[answer.status ?? answer.code]?.[tries];
      if (wait === undefined) return answer;
      await pause(wait, undefined, { signal }).catch(quiet);
    }
    return null;
  }

  /* One after the other, and the newest is what counts: it ends the tries of those before it. */
  class Line {
    #before = Promise.resolve();
    #newest = new AbortController();

    tell(event, data) {
      this.#newest.abort();
      const { signal } = (this.#newest = new AbortController());
      const told = this.#before.then(() => insist(signal, 'POST', `${BASE}/broadcast`, JSON.stringify({ event, data })));
      this.#before = told;
      return told;
    }

    stop = () => this.#newest.abort();
  }

  return {
    /** Who tells of this session. */
    about(session) {
      if (!lines.has(session)) lines.set(session, new Line());
      return lines.get(session);
    },
    /** What the pool knows, asked once unless it is `needed`; null if it does not say. */
    async read(path, { needed = false } = {}) {
      const answer = await (needed ? insist(end.signal, 'GET', `${BASE}${path}`) : ask('GET', `${BASE}${path}`));
      return answer?.status === 200 ? answer.json : null;
    },
    stop() {
      end.abort();
      for (const line of lines.values()) line.stop();
    },
  };
}
