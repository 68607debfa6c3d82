// login: people with a Laravel login, without Laravel: users, workspaces, teams, sessions and
// cookies as it writes them.
//
//   const ana = await logIn(stack);                       // who made a workspace, and is in it
//   await ana.call('POST', '', { json: { phone_number: '…', provider_type: 'webjs' } });
//   await ana.call('GET', `/${uuid}/statistics`);

import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { literal } from './database.mjs';
import { encrypt, sealCookie } from './envelope.mjs';
import { utc } from './fixtures.mjs';
import { serialize } from './php.mjs';
import { unixSeconds } from './sign.mjs';

export const PAGE = '/settings/whatsapp-accounts';
/** The session cookie's name when neither SESSION_COOKIE nor APP_NAME is set; before Laravel 12, and since. */
export const COOKIE = 'laravel_session';
export const NEW_COOKIE = 'laravel-session';

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
/** What Str::random(40) gives: session ids and CSRF tokens. */
export const random40 = () => [...randomBytes(40)].map((byte) => letters[byte % letters.length]).join('');

/** The key under which a guard keeps the user's id; the suffix is the SHA-1 of its class name. */
export const loginKey = (guard = 'web') => `login_${guard}_59ba36addc2b2f9401580f014c7f58ea4e30989d`;

/** Insert a row and return its id. */
export async function insert(stack, table, row) {
  const names = Object.keys(row);
  const rows = await stack.sql(`INSERT INTO ${table} (${names.join(', ')})
    VALUES (${names.map((name) => literal(row[name])).join(', ')}) RETURNING id`);
  return Number(rows[0].id);
}

export const newUser = (stack, columns = {}) =>
  insert(stack, 'users', { email: `${randomUUID()}@example.test`, created_at: utc(), ...columns });

export const newWorkspace = (stack, user, columns = {}) =>
  insert(stack, 'workspaces', { name: 'A test', created_by: user, created_at: utc(), ...columns });

/** Let a user into somebody else's workspace: a row of teams. */
export const join = (stack, user, workspace, columns = {}) =>
  insert(stack, 'teams', { user_id: user, workspace_id: workspace, role: 'owner', created_at: utc(), ...columns });

/** What a session holds; members that are undefined are left out. */
export const sessionData = ({ user, workspace, token, guard }) => ({
  _token: token,
  _previous: { url: 'http://localhost/dashboard' },
  _flash: { old: [], new: [] },
  [loginKey(guard)]: user,
  current_workspace: workspace,
});

/** Where the file driver keeps a session. */
export const sessionFile = (stack, id) =>
  `${stack.settings.WA_SESSION_FILES ?? `${stack.dir}/storage/framework/sessions`}/${id}`;

function keep(stack, { id, user, text, age }) {
  const { settings } = stack;
  const when = unixSeconds() - age;
  const kept = settings.SESSION_ENCRYPT ? encrypt(settings.APP_KEY, serialize(text)) : text;
  if (settings.SESSION_DRIVER === 'file') {
    const file = sessionFile(stack, id);
    mkdirSync(file.slice(0, file.lastIndexOf('/')), { recursive: true });
    writeFileSync(file, kept);
    utimesSync(file, when, when);
    return null;
  }
  return stack.sql(`INSERT INTO ${settings.WA_SESSION_TABLE ?? settings.SESSION_TABLE ?? 'sessions'}
    (id, user_id, ip_address, user_agent, payload, last_activity) VALUES (${[id, Number(user) || null, '127.0.0.1',
    'A test', Buffer.from(kept).toString('base64'), when].map(literal).join(', ')})`);
}

/**
 * A session, kept as the stack's settings say: {id, token}.
 *
 *   user, workspace, guard, token   what is in it
 *   data   members that are added to those, or take their place
 *   text   what stands in place of all of them, serialised
 *   form   'php' (standard) or 'json'
 *   age    seconds since its last activity
 */
export async function newSession(stack, { id = random40(), user, workspace, guard, token = random40(), data, text,
  form = 'php', age = 0 } = {}) {
  const all = { ...sessionData({ user, workspace, guard, token }), ...data };
  await keep(stack, { id, user, age, text: text ?? (form === 'json' ? JSON.stringify(all) : serialize(all)) });
  return { id, token };
}

/** `name=value` of a session's cookie, as the browser sends it. */
export const cookieOf = (stack, session, { name = stack.settings.SESSION_COOKIE ?? COOKIE,
  appKey = stack.settings.APP_KEY, cipher } = {}) => `${name}=${sealCookie(name, session.id, appKey, { cipher })}`;

/** The value of the header X-XSRF-TOKEN that axios makes of the cookie XSRF-TOKEN. */
export const xsrf = (stack, token, { appKey = stack.settings.APP_KEY, cipher } = {}) =>
  decodeURIComponent(sealCookie('XSRF-TOKEN', token, appKey, { cipher }));

/** A new user, in a new workspace of his own unless another one is given, and his browser. */
export async function logIn(stack, { user, workspace, cookie, ...session } = {}) {
  const who = user ?? await newUser(stack);
  const where = workspace ?? await newWorkspace(stack, who);
  const kept = await newSession(stack, { user: who, workspace: where, ...session });
  return browser(stack, { user: who, workspace: where, session: kept, cookie });
}

/** Headers and body of a request: what axios or a form would send. */
export function compose({ method = 'GET', json, form, body, headers = {} }) {
  if (json !== undefined) {
    return { method, body: JSON.stringify(json), headers: { 'Content-Type': 'application/json', ...headers } };
  }
  if (form !== undefined) {
    const text = typeof form === 'string' ? form : String(new URLSearchParams(form));
    return { method, body: text, headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers } };
  }
  return { method, body, headers };
}

/** A request with the session's CSRF token, by one of the three ways, or without. */
function prove(stack, { token }, csrf, options) {
  const { headers, json, form } = options;
  switch (csrf) {
    case 'header': return { ...options, headers: { 'X-CSRF-TOKEN': token, ...headers } };
    case 'xsrf': return { ...options, headers: { 'X-XSRF-TOKEN': xsrf(stack, token), ...headers } };
    case 'body':
      if (json !== undefined) return { ...options, json: { ...json, _token: token } };
      if (typeof form === 'string') return { ...options, form: `${form}&_token=${token}` };
      return { ...options, form: { ...form, _token: token } };
    default: return options;
  }
}

/**
 * Whoever sends this cookie: {user, workspace, session, cookie, call, account}.
 *
 * call(method, path, {json | form | body, headers, csrf, straight, params}): a request below PAGE. `csrf` is
 * 'header' (standard for writes), 'xsrf', 'body' or 'none'; `straight` leaves nginx out.
 * account(columns): a new account of the workspace.
 */
export function browser(stack, { user, workspace, session, cookie = cookieOf(stack, session) }) {
  return {
    user, workspace, session, cookie,
    call(method, path = '', { csrf = ['GET', 'HEAD'].includes(method) ? 'none' : 'header', straight, params,
      ...options } = {}) {
      const proven = prove(stack, session, csrf, options);
      const request = compose({ ...proven, method, headers: { Accept: 'application/json',
        ...(cookie ? { Cookie: cookie } : {}), ...proven.headers } });
      return straight ? stack.fcgi(method, `${PAGE}${path}`, { ...request, params })
        : stack.call(method, `${PAGE}${path}`, request);
    },
    account: (columns = {}) => stack.account({ workspace_id: workspace, created_by: user, ...columns }),
  };
}
