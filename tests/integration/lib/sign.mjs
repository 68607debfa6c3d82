// sign: the Node.js service's signature, as the contract has it.

import { createHmac } from 'node:crypto';

/** Hex of HMAC-SHA-256(secret, timestamp ‖ body); `body` is a string or a Buffer. */
export function signature(secret, timestamp, body = '') {
  return createHmac('sha256', secret).update(String(timestamp)).update(body).digest('hex');
}

export const unixSeconds = () => Math.floor(Date.now() / 1000);

/** The two headers of a signed request. */
export function signedHeaders(secret, body = '', timestamp = unixSeconds()) {
  return { 'X-Timestamp': String(timestamp), 'X-HMAC-Signature': signature(secret, timestamp, body) };
}
