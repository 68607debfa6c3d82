// ways: what somebody may show to be let in, rightly and wrongly, and who is let in by the rules.

import { random40, xsrf } from './login.mjs';
import { signedHeaders, unixSeconds } from './sign.mjs';

/** Each way as its headers, by how right they are; `body` is what is signed. */
export const SHOWN = {
  signature: {
    none: () => ({}),
    right: ({ stack, body }) => signedHeaders(stack.secret, body),
    wrong: ({ body }) => signedHeaders('another secret of theirs', body),
    late: ({ stack, body }) => signedHeaders(stack.secret, body, unixSeconds() - 301),
    half: () => ({ 'X-Timestamp': String(unixSeconds()) }),
  },
  key: {
    none: () => ({}),
    right: ({ stack }) => ({ 'X-API-Key': stack.settings.WHATSAPP_NODE_API_KEY }),
    wrong: ({ stack }) => ({ 'X-API-Key': `${stack.settings.WHATSAPP_NODE_API_KEY.slice(0, -1)}!` }),
    longer: ({ stack }) => ({ 'X-API-Key': `${stack.settings.WHATSAPP_NODE_API_KEY}0` }),
  },
  login: {
    none: () => ({}),
    right: ({ stack, person }) => ({ Cookie: person.cookie, 'X-XSRF-TOKEN': xsrf(stack, person.session.token) }),
    wrong: ({ person }) => ({ Cookie: `${person.cookie.slice(0, -12)}000000000000` }),
  },
  token: {
    none: () => ({}),
    right: ({ token }) => ({ Authorization: `Bearer ${token}` }),
    wrong: () => ({ Authorization: `Bearer 1|${random40()}` }),
  },
};

/** Every combination: [{signature, key, login, token}]. */
export const combinations = () => Object.entries(SHOWN).reduce((some, [way, states]) =>
  some.flatMap((shown) => Object.keys(states).map((state) => ({ ...shown, [way]: state }))), [{}]);

export const headersOf = (shown, about) => Object.assign({}, ...Object.entries(shown)
  .map(([way, state]) => SHOWN[way][state](about)));

const SIGNATURE_MESSAGES = { none: 'Missing required security headers', half: 'Missing required security headers',
  wrong: 'Invalid signature', late: 'Request timestamp expired' };

/**
 * Whether a row of the routing table lets in somebody who shows this: null, or the sentence of the refusal. `keyIn` is
 * WA_NODE_API_KEY_IN. The first way that is shown decides; those behind it are not tried.
 */
export function refusalOf({ ways }, { signature, key, login, token }, keyIn) {
  const has = (way) => ways.includes(way);
  if (has('api-key') && keyIn && key !== 'none') {
    if (key !== 'right') return 'Invalid API key';
    if (signature === 'none') return null;
  }
  const others = (has('login') && login !== 'none') || ((has('login') || has('token')) && token !== 'none');
  if (has('signature') && (signature !== 'none' || !others)) {
    return signature === 'right' ? null : SIGNATURE_MESSAGES[signature];
  }
  if (signature !== 'none') return 'Unauthenticated.';
  if (token !== 'none') return has('token') && token === 'right' ? null : 'Unauthenticated.';
  return has('login') && login === 'right' ? null : 'Unauthenticated.';
}
