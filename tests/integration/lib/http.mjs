// http: one request on a connection of its own, and the whole answer.

import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';

function answer(status, headers, bytes) {
  const text = bytes.toString('utf8');
  return {
    status,
    headers,
    text,
    get json() {
      return JSON.parse(text);
    },
  };
}

/**
 * {status, headers, text, json}. Rejects when there is no complete answer: a
 * refused or reset connection, a body cut short, silence (ETIMEDOUT) for so many ms.
 */
export function call(url, { method = 'GET', headers = {}, body, silence = 60_000 } = {}) {
  const bytes = body === undefined ? undefined : Buffer.from(body);
  return new Promise((resolve, reject) => {
    const length = bytes === undefined || headers['Transfer-Encoding'] ? {} : { 'Content-Length': bytes.length };
    const request = httpRequest(url, { method, agent: false, headers: { ...length, ...headers } });
    request.setTimeout(silence, () => request.destroy(Object.assign(new Error(`no answer: ${method} ${url}`),
      { code: 'ETIMEDOUT' })));
    request.on('error', reject);
    request.on('response', (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk)).on('error', reject);
      response.on('end', () => {
        if (!response.complete) reject(new Error(`the answer was cut short: ${method} ${url}`));
        else resolve(answer(response.statusCode, response.headers, Buffer.concat(chunks)));
      });
    });
    /* An early answer (413) may reset the connection while we are still sending. */
    request.end(bytes);
  });
}

/**
 * Send bytes as they are, end our side, and return all that comes back: for
 * requests that no HTTP library would send. `end: false` leaves our side open.
 */
export function callRaw(port, bytes, { end = true } = {}) {
  return new Promise((resolve, reject) => {
    const chunks = [];
    const socket = connect(port, '127.0.0.1', () => (end ? socket.end(bytes) : socket.write(bytes)));
    socket.setTimeout(60_000, () => socket.destroy(new Error('no answer')));
    socket.on('data', (chunk) => chunks.push(chunk)).on('error', reject);
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
  });
}
