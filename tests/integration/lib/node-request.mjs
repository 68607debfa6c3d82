// node-request: how the Node.js service sends one request, and when it sends it once more.

import { call } from './http.mjs';

/** Where the service of today reports everything. */
export const WEBHOOK = '/api/whatsapp/webhooks/webjs';

/** It gives up an answer that does not come. */
export const SILENCE_MS = 10_000;

/** The pauses before the further tries, by the answer, or by what came in its place; all else is never tried again. */
export const AGAIN_AFTER_MS = {
  429: [1000, 2000, 4000],
  ECONNREFUSED: [2000, 4000, 8000],
  ETIMEDOUT: [2000, 4000, 8000],
};

/** {status, json}, or {status: null, code} where there was no answer. */
export async function send(url, { silence = SILENCE_MS, ...options }) {
  try {
    const { status, text } = await call(url, { silence, ...options });
    return { status, json: text.startsWith('{') ? JSON.parse(text) : undefined };
  } catch (error) {
    return { status: null, code: error.code ?? error.message };
  }
}

/** The pause in ms before try number `tries` + 2 of what was answered so; undefined if there is none. */
export const againAfter = ({ status, code }, tries) => AGAIN_AFTER_MS[status ?? code]?.[tries];
