// browser: what a page with axios sends, and what a browser keeps.
//
// Cookies of one host: by name and path, until they expire or are taken back;
// a Secure one never comes back over plain HTTP. The CSRF token goes out as
// axios sends it: the XSRF-TOKEN cookie, decoded, in X-XSRF-TOKEN.

import { call } from './http.mjs';

const SCRIPT = 'application/json, text/plain, */*';
const NAVIGATION = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

/** A Set-Cookie header: {name, value, path, httponly, secure, samesite, 'max-age', expires, …}; flags are true. */
export function parseCookie(header) {
  const [pair, ...rest] = header.split(/;\s*/);
  const at = pair.indexOf('=');
  const cookie = { name: pair.slice(0, at), value: pair.slice(at + 1) };
  for (const attribute of rest) {
    const [name, value] = attribute.split(/=(.*)/s);
    cookie[name.toLowerCase()] = value ?? true;
  }
  return cookie;
}

/** The cookies that an answer sets. */
export const cookiesOf = (answer) => (answer.headers['set-cookie'] ?? []).map(parseCookie);

/** A cookie's `expires` as milliseconds; Laravel 8 writes it with dashes. */
export const parseExpires = (text) => Date.parse(text.replace(/(\d\d)-(\w\w\w)-(\d+)/, '$1 $2 $3'));

function expiry(cookie, now) {
  if (cookie['max-age'] !== undefined) return now + Number(cookie['max-age']) * 1000;
  return cookie.expires === undefined ? Infinity : parseExpires(cookie.expires);
}

/**
 * A new browser for this origin. With `everywhere` it keeps and sends every
 * cookie, as if it were on HTTPS, in the right domain and folder.
 */
export function openBrowser(origin, { everywhere = false } = {}) {
  const jar = new Map();
  const isKept = (cookie) => everywhere || !cookie.secure || origin.startsWith('https:');
  const isSent = (cookie, path) => everywhere || path.startsWith(cookie.path ?? '/');

  function keep(answer) {
    const now = Date.now();
    for (const cookie of cookiesOf(answer)) {
      const until = expiry(cookie, now);
      if (until <= now || !isKept(cookie)) jar.delete(cookie.name);
      else jar.set(cookie.name, { ...cookie, until });
    }
  }

  function sent(path) {
    const now = Date.now();
    return [...jar.values()].filter((cookie) => cookie.until > now && isSent(cookie, path));
  }

  const browser = {
    jar,

    /** A cookie's value as the browser keeps it, percent-encoded; undefined if there is none. */
    cookie: (name) => jar.get(name)?.value,
    cookies: (path = '/') => sent(path).map((cookie) => `${cookie.name}=${cookie.value}`).join('; '),
    /** What axios puts into X-XSRF-TOKEN. */
    xsrf: () => (jar.has('XSRF-TOKEN') ? decodeURIComponent(jar.get('XSRF-TOKEN').value) : undefined),

    /**
     * One request of the page's script: `json` or `form` is its body, an
     * object; `csrf: false` leaves the token out, as a foreign page would;
     * `headers` win over all others.
     */
    async call(method, path, { json, form, body, csrf = true, headers = {} } = {}) {
      const cookies = browser.cookies(path);
      const token = csrf ? browser.xsrf() : undefined;
      const type = json !== undefined ? 'application/json'
        : form !== undefined ? 'application/x-www-form-urlencoded' : undefined;
      const bytes = json !== undefined ? JSON.stringify(json)
        : form !== undefined ? new URLSearchParams(form).toString() : body;
      const answer = await call(`${origin}${path}`, { method, body: bytes, headers: {
        Accept: SCRIPT, 'X-Requested-With': 'XMLHttpRequest',
        ...(type && { 'Content-Type': type }), ...(cookies && { Cookie: cookies }),
        ...(token && { 'X-XSRF-TOKEN': token }), ...headers,
      } });
      keep(answer);
      return answer;
    },

    get: (path, options) => browser.call('GET', path, options),
    post: (path, json, options) => browser.call('POST', path, { json, ...options }),

    /** As when somebody types the address; redirects are not followed. */
    async visit(path) {
      const cookies = browser.cookies(path);
      const answer = await call(`${origin}${path}`, {
        headers: { Accept: NAVIGATION, ...(cookies && { Cookie: cookies }) } });
      keep(answer);
      return answer;
    },

    /** Another browser with the same cookies. */
    copy() {
      const other = openBrowser(origin, { everywhere });
      for (const [name, cookie] of jar) other.jar.set(name, cookie);
      return other;
    },
  };
  return browser;
}
