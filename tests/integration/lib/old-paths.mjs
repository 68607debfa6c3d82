// old-paths: the paths of before, and what their answers say.

import assert from 'node:assert/strict';

const PREFIXES = [['/settings/whatsapp-accounts', '/settings/whatsapp-sessions'],
  ['/api/whatsapp/accounts', '/api/whatsapp/sessions']];

/** A path, with its query, as it was before; itself if it has no other. */
export function oldPath(path) {
  const [now, before] = PREFIXES.find(([prefix]) => path.startsWith(prefix)) ?? ['', ''];
  return before + path.slice(now.length);
}

/** Of the routing table, the rows that were there before. */
export const rowsOfBefore = (table) => table.filter(({ path }) => oldPath(path) !== path);

/** The same stack, asked by the paths of before. */
export const asBefore = (stack) => Object.assign(Object.create(stack), {
  call: (method, path, options) => stack.call(method, oldPath(path), options),
  fcgi: (method, path, options) => stack.fcgi(method, oldPath(path), options),
  signed: (method, path, ...rest) => stack.signed(method, oldPath(path), ...rest),
  fcgiSigned: (method, path, ...rest) => stack.fcgiSigned(method, oldPath(path), ...rest),
});

/** The answer to an old path: it is one, until when, and what comes after it. */
export function isDeprecated(answer, path, sunset = '2027-11-14') {
  const { deprecation, sunset: until, link } = answer.headers;
  assert.equal(deprecation, `@${Date.UTC(2025, 10, 14) / 1000}`, `${answer.status} ${answer.text}`);
  assert.equal(until, new Date(`${sunset}T00:00:00Z`).toUTCString());
  assert.equal(link, `<${path}>; rel="successor-version"`);
  return answer;
}

/** 410, whoever asks, with the path of today. */
export function isGone(answer, path) {
  assert.equal(answer.status, 410, answer.text);
  assert.match(answer.headers['content-type'], /^application\/json\b/);
  const { message, code, error } = answer.json;
  assert.equal(code, 'gone');
  assert.ok(message.includes(path), message);
  assert.equal(error, path.startsWith('/api/') ? message : undefined);
  assert.equal(answer.headers.link, `<${path}>; rel="successor-version"`);
  assert.equal(answer.headers.deprecation, undefined);
  assert.equal(answer.headers.sunset, undefined);
}

export function isOfToday({ headers }) {
  for (const name of ['deprecation', 'sunset', 'link']) assert.equal(headers[name], undefined, name);
}
