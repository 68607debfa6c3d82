// browser-expect: what the browser routes promise of every answer, and what an account looks like there.

import assert from 'node:assert/strict';
import { formatted, legacyWord, sameKeys } from './expect.mjs';
import { events, metrics } from './observe.mjs';
import { until } from './processes.mjs';

/** The members of an account, in their order; `status` last, unless WA_LEGACY_ALIASES is off. */
export const ACCOUNT = ['id', 'uuid', 'phone_number', 'account_name', 'provider_type', 'connection_status',
  'is_primary', 'is_active', 'formatted_phone_number', 'health_score', 'created_at', 'session_id',
  'last_activity_at', 'last_connected_at', 'state_version', 'status'];

const leaks = new RegExp('SELECT |INSERT |UPDATE |whatsapp_accounts|personal_access|wa_outbox|mysql|mariadb|/src/|\\.c:\\d'
  + '|0x[0-9a-f]{6}', 'i');

/** The old word, as the old page can show it: what was ever connected is connected or disconnected to it. */
export const shownWord = ({ connection_status: status, last_connected_at: at }) =>
  legacyWord[at && status !== 'connected' ? 'disconnected' : status];

/** What stands above every answer of the pool. */
export function hasHeaders({ headers }) {
  assert.equal(headers['cache-control'], 'no-cache, private');
  /* The page's HTML is compressed by nginx, which says so. */
  const isHtml = headers['content-type']?.startsWith('text/html');
  assert.equal(isHtml ? headers.vary.replace(/^Accept-Encoding, /, '') : headers.vary, 'Accept, X-Inertia');
  assert.match(headers['x-request-id'] ?? '', /^[0-9a-f]{32}$/);
}

/** 2xx, in JSON. */
export function isOk(answer, status = 200) {
  assert.equal(answer.status, status, answer.text);
  assert.match(answer.headers['content-type'] ?? '', /^application\/json\b/);
  hasHeaders(answer);
  return answer.json;
}

/** 2xx with this sentence. */
export function isDone(answer, message, status = 200) {
  const body = isOk(answer, status);
  assert.equal(body.success, true, answer.text);
  assert.equal(body.message, message);
  return body;
}

/** An error of the pool: a status, a word, a sentence, and nothing of our inside. */
export function isRefused(answer, status, code, message) {
  assert.equal(answer.status, status, `${answer.status} ${answer.text}`);
  assert.match(answer.headers['content-type'] ?? '', /^application\/json\b/);
  hasHeaders(answer);
  const body = answer.json;
  sameKeys(body, ['success', 'message', 'code', ...(status === 422 && code === 'validation_failed' ? ['errors'] : [])]);
  assert.equal(body.success, false);
  assert.equal(body.code, code);
  assert.equal(typeof body.message, 'string');
  assert.notEqual(body.message, '');
  if (message !== undefined) assert.equal(body.message, message);
  assert.doesNotMatch(answer.text, leaks);
  return body;
}

export const isUnauthenticated = (answer) => isRefused(answer, 401, 'unauthenticated', 'Unauthenticated.');
export const isMismatch = (answer) => isRefused(answer, 419, 'csrf_mismatch', 'CSRF token mismatch.');
export const isForbidden = (answer) => isRefused(answer, 403, 'forbidden', 'This action is unauthorized.');
export const isMissing = (answer) => isRefused(answer, 404, 'not_found', 'Account not found');

/** 422 with exactly these sentences, fields in this order. */
export function isInvalid(answer, errors) {
  const body = isRefused(answer, 422, 'validation_failed', 'Validation failed');
  assert.deepEqual(body.errors, errors);
  assert.deepEqual(Object.keys(body.errors), Object.keys(errors), 'in the order of the fields');
}

const iso = (text) => (text === null ? null : `${text.replace(' ', 'T')}.000000Z`);

function health(account, failures) {
  const idle = account.last_activity_at !== null
    && Date.parse(iso(account.last_activity_at)) < Date.now() - 3_600_000;
  return Math.max(0, 100 - (account.connection_status === 'connected' ? 0 : 50) - (idle ? 20 : 0)
    - Math.min(10 * failures, 30));
}

/** A row, as stack.account and stack.state give it, as it is to be shown. `failures` is what its metadata counts. */
export function shown(account, failures = 0) {
  return {
    id: account.id,
    uuid: account.uuid,
    phone_number: account.phone_number,
    account_name: account.account_name,
    provider_type: account.provider_type,
    connection_status: account.connection_status,
    is_primary: account.is_primary,
    is_active: account.is_active,
    formatted_phone_number: formatted(account.phone_number),
    health_score: health(account, failures),
    created_at: iso(account.created_at),
    session_id: account.session_id,
    last_activity_at: iso(account.last_activity_at),
    last_connected_at: iso(account.last_connected_at),
    state_version: account.state_version,
    status: shownWord(account),
  };
}

/** `json` is this row's account, its members in their order; further ones may follow. */
export function isAccount(json, account, failures = 0) {
  assert.deepEqual(Object.keys(json).slice(0, ACCOUNT.length), ACCOUNT);
  assert.deepEqual(Object.fromEntries(ACCOUNT.map((name) => [name, json[name]])), shown(account, failures));
}

/** For each answer the word in the log for why it was refused; undefined if it was not. */
export async function whysOf(stack, answers) {
  let lines;
  await until('the log tells of every answer', () => {
    lines = new Map(events(stack.log(), 'request').map((line) => [line.id, line]));
    return answers.every(({ headers }) => lines.has(headers['x-request-id']));
  });
  return answers.map(({ headers }) => lines.get(headers['x-request-id']).why);
}

export const whyOf = async (stack, answer) => (await whysOf(stack, [answer]))[0];

/** wa_refused_total, by reason. */
export async function refusedCounts(stack) {
  const series = Object.entries(await metrics(stack));
  return Object.fromEntries(series.map(([name, value]) => [name.match(/^wa_refused_total\{reason="(\w+)"\}$/)?.[1],
    value]).filter(([reason]) => reason !== undefined));
}
