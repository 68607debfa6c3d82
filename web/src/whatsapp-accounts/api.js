// api: the account routes, as a logged-in browser asks for them.

import axios from 'axios';

const BASE = '/settings/whatsapp-accounts';
const TIMEOUT_MS = 20_000;

const http = axios.create({ headers: { Accept: 'application/json', 'X-Requested-With': 'XMLHttpRequest' },
  timeout: TIMEOUT_MS });

/** A request that failed: a sentence for a person, a word for us, and messages by field. */
export class RequestError extends Error {
  constructor({ status, message, code, errors }) {
    super(message);
    Object.assign(this, { status, code, errors: errors ?? {} });
  }
}

/* Who is not logged in any more, or whose page is older than the login, begins anew there. */
const LOGIN_ENDED = [401, 419];

function goToLogin() {
  window.location.assign('/login');
  /* The page is about to go: nobody waits for this any more. */
  return new Promise(() => {});
}

async function ask(method, path = '', data = undefined) {
  try {
    return (await http.request({ method, url: `${BASE}${path}`, data })).data;
  } catch ({ response }) {
    if (LOGIN_ENDED.includes(response?.status)) return goToLogin();
    const { message, code, errors } = response?.data ?? {};
    throw new RequestError({ status: response?.status, code, errors, message });
  }
}

const to = (uuid, action = '') => `/${encodeURIComponent(uuid)}${action && `/${action}`}`;

export const api = {
  list: () => ask('get'),
  show: async (uuid) => (await ask('get', to(uuid))).data,
  statistics: async (uuid) => (await ask('get', to(uuid, 'statistics'))).data,
  create: async (account) => (await ask('post', '', account)).data,
  destroy: (uuid) => ask('delete', to(uuid)),
  /** set-primary, disconnect, reconnect or regenerate-qr; the account afterwards. */
  act: async (uuid, action) => (await ask('post', to(uuid, action), {})).data,
};
