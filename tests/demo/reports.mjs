// reports: how the Node.js service tells the pool what has happened: signed, and tried again as the real one does.
//
//   const reports = startReports({ url: 'http://127.0.0.1:8080', secret });
//   await reports.about('webjs_1_1763000000_abcdefgh').tell('account-status-changed', { account_id, … });

import { setTimeout as pause } from 'node:timers/promises';
import { againAfter, send } from '../integration/lib/node-request.mjs';
import { signedHeaders } from '../integration/lib/sign.mjs';

const BASE = '/api/whatsapp/accounts';

const quiet = (error) => error;

/** `to` is {url, secret}, which may change; `log(line)` hears of every answer to a report, and of what got none. */
export function startReports(to, log = () => {}) {
  const lines = new Map();
  let ended = false;

  /** One request, signed now: {status, json}, or {status: null, code} where there was no answer. */
  function ask(method, path, body) {
    const type = body === undefined ? {} : { 'Content-Type': 'application/json' };
    return send(`${to.url}${path}`, { method, body, headers: { ...type, ...signedHeaders(to.secret, body) } });
  }

  /** The last answer; null if there was none before `signal` said that nobody wants it any more. */
  async function insist(signal, body) {
    for (let tries = 0; !signal.aborted && !ended; tries++) {
      const answer = await ask('POST', `${BASE}/broadcast`, body);
      log(`report ${answer.status ?? answer.code} ${body.slice(0, 160)}`);
      const wait = againAfter(answer, tries);
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
      const told = this.#before.then(() => insist(signal, JSON.stringify({ event, data })));
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
    /** What the pool knows, asked once; null if it does not say. */
    async read(path) {
      const { status, json } = await ask('GET', `${BASE}${path}`);
      return status === 200 ? json : null;
    },
    stop() {
      ended = true;
      for (const line of lines.values()) line.stop();
    },
  };
}
