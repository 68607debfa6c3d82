// expect: what several tests demand of an answer, an event or a row.

import assert from 'node:assert/strict';

export const BASE = '/api/whatsapp/accounts';
export const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

const leaks = /SELECT |INSERT |UPDATE |whatsapp_accounts|wa_outbox|mysql|mariadb|\/src\/|\.c:\d|0x[0-9a-f]{6}/i;

/** A refusal of a Node route: status, a sentence, a word, and nothing of our inside. */
export function isError(answer, status, message) {
  assert.equal(answer.status, status, answer.text);
  assert.match(answer.headers['content-type'] ?? '', /^application\/json\b/);
  const body = answer.json;
  assert.equal(typeof body.message, 'string', answer.text);
  assert.notEqual(body.message, '');
  assert.match(body.code, /^[a-z][a-z0-9_]*$/, answer.text);
  assert.equal(typeof body.error, 'string', answer.text);
  assert.doesNotMatch(answer.text, leaks);
  if (message instanceof RegExp) assert.match(body.message, message);
  else if (message !== undefined) assert.equal(body.message, message);
  return body;
}

/** 422, and `errors` names this field, with sentences. */
export function isInvalid(answer, field) {
  const { errors } = isError(answer, 422);
  assert.equal(typeof errors, 'object', answer.text);
  const names = Object.keys(errors);
  assert.ok(names.some((name) => name === field || name.endsWith(`.${field}`)), `no ${field} in ${answer.text}`);
  for (const list of Object.values(errors)) {
    assert.ok(Array.isArray(list) && list.length > 0, answer.text);
    for (const sentence of list) assert.equal(typeof sentence, 'string');
  }
}

export function isNotFound(answer) {
  const body = isError(answer, 404);
  assert.equal(body.error, 'Account not found');
}

export function isBroadcasted(answer) {
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(answer.json, { status: 'broadcasted' });
}

/** The same values under the same names, whatever their order. */
export function sameKeys(object, names) {
  assert.deepEqual(Object.keys(object).sort(), [...names].sort());
}

/** A UTC text of Laravel's or of ours within `seconds` of now: no time zone is that small. */
export function isAboutNow(text, seconds = 600) {
  const time = Date.parse(text.includes('T') ? text : `${text.replace(' ', 'T')}Z`);
  assert.ok(Math.abs(time - Date.now()) < seconds * 1000, `${text} is not about now, UTC`);
}

/** Seconds from one UTC text of the database to another. */
export function secondsBetween(earlier, later) {
  const time = (text) => Date.parse(`${text.replace(' ', 'T')}Z`);
  return (time(later) - time(earlier)) / 1000;
}

export const legacyWord = { connecting: 'qr_scanning', connected: 'connected', disconnected: 'disconnected',
  error: 'failed' };

export function formatted(phone) {
  if (phone === null) return null;
  const kept = phone.replace(/[^\d+]/g, '');
  return kept.length >= 10 ? `+${kept.replace(/^\++/, '')}` : kept;
}

/**
 * `event` is the account-status-changed event of the account as it now is;
 * `brought` is the metadata of the report, and `status` its word if that is not the state's.
 */
export function isStatusEvent(event, account, brought = {}, status = legacyWord[account.connection_status]) {
  assert.equal(event.name, 'account-status-changed');
  isWaiting(event, account);
  assert.ok(Math.abs(secondsBetween(event.created_at, event.expires_at) - 86400) < 5, 'expires after 24 hours');
  const { payload } = event;
  sameKeys(payload, ['account_id', 'status', 'connection_status', 'workspace_id', 'phone_number', 'metadata', 'uuid',
    'state_version', 'timestamp']);
  assert.match(payload.timestamp, ISO);
  isAboutNow(payload.timestamp);
  const { metadata } = payload;
  assert.match(metadata.timestamp, ISO);
  assert.deepEqual({ ...payload, metadata: null, timestamp: null }, {
    account_id: account.session_id ?? account.uuid,
    status,
    connection_status: account.connection_status,
    workspace_id: account.workspace_id,
    phone_number: account.phone_number,
    metadata: null,
    uuid: account.uuid,
    state_version: account.state_version,
    timestamp: null,
  });
  assert.deepEqual({ ...metadata, timestamp: null }, {
    ...brought,
    id: account.id,
    uuid: account.uuid,
    phone_number: account.phone_number,
    formatted_phone_number: formatted(account.phone_number),
    is_primary: account.is_primary,
    timestamp: null,
  });
}

/** `event` is the qr-code-generated event of the account as it now is; it holds no QR code. */
export function isQrEvent(event, account, expiresIn) {
  assert.equal(event.name, 'qr-code-generated');
  isWaiting(event, account);
  assert.ok(Math.abs(secondsBetween(account.qr_expires_at, event.expires_at)) < 5, 'expires with its QR code');
  assert.ok(!event.payloadText.includes(account.qr_code), 'no QR code in the outbox');
  const { payload } = event;
  sameKeys(payload, ['expires_in_seconds', 'workspace_id', 'account_id', 'uuid', 'state_version', 'timestamp']);
  assert.match(payload.timestamp, ISO);
  isAboutNow(payload.timestamp);
  assert.deepEqual({ ...payload, timestamp: null }, {
    expires_in_seconds: expiresIn,
    workspace_id: account.workspace_id,
    account_id: account.session_id ?? account.uuid,
    uuid: account.uuid,
    state_version: account.state_version,
    timestamp: null,
  });
}

function isWaiting(event, account) {
  assert.equal(event.account_id, account.id);
  assert.equal(event.workspace_id, account.workspace_id);
  assert.equal(event.state_version, account.state_version);
  assert.equal(event.state, 'waiting');
  isAboutNow(event.created_at);
}
