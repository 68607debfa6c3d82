// The session cookie: what is one, under which names, with which keys, and where in the header.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { isOk, isUnauthenticated, whyOf } from './lib/browser-expect.mjs';
import { encrypt, macOf, newKey, openCookie, pack, prefix, seal, sealCookie } from './lib/envelope.mjs';
import { callRaw } from './lib/http.mjs';
import { COOKIE, NEW_COOKIE, PAGE, cookieOf, logIn, newSession } from './lib/login.mjs';
import { withSettings } from './lib/settings.mjs';
import { startStack } from './lib/stack.mjs';

/* Written by Laravel 8.83 with this key; the initialisation vector is 00 01 02 … 0f. */
const written = {
  key: 'base64:bkgUElLXiIUkpecaYf5V5/xP02j/QpK7q2NunE1EheA=',
  id: 'k3Jd9sLq2WmX0vBn7RtY5uZc1AeFhGiOpQ4S6T8U',
  value: 'eyJpdiI6IkFBRUNBd1FGQmdjSUNRb0xEQTBPRHc9PSIsInZhbHVlIjoiWjNaK0M4YjVTVGFiNC92V1RlNVBoVkJWdG1WdlczVEUz'
    + 'dHFCSk5pZVlzTVMyTkNuNlluTVVCV3o3UCs2L2NEZHhGSkdNNVF3QTc5cmJZT1M3WDk0QVdCektEZ2RMRlhIeGp5Z1ZNeHM2WnlV'
    + 'dnNyQWtGekxKT3Y4dW1zalJuWnoiLCJtYWMiOiIyNGFhZjEyNGVjMzM1Mzc0ZmMxYTRiMTdlOTRmMzFiZjVkYjlkMDk0N2JjY2Zh'
    + 'MDNmNmFkYzg0MGRjNmU2YWM4IiwidGFnIjoiIn0%3D',
};
const iv = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');
const { key } = written;
const retired = newKey();

let stack, ana;
before(async () => {
  stack = await startStack({ env: { APP_KEY: key, APP_PREVIOUS_KEYS: `${newKey()},${retired}` } });
  ana = await logIn(stack, { id: written.id });
});
after(() => stack?.stop());

/** A page that is asked for with this header. */
const send = (header) => stack.call('GET', PAGE, { headers: { Accept: 'application/json', Cookie: header } });
/** With this value, URL-encoded, in the session cookie. */
const sendValue = (value) => send(`${COOKIE}=${encodeURIComponent(value)}`);
const letsIn = async (answer) => assert.equal(isOk(await answer).workspaceId, ana.workspace);

async function isKeptOut(answer, ...reasons) {
  const refusal = await answer;
  isUnauthenticated(refusal);
  const why = await whyOf(stack, refusal);
  assert.ok(reasons.includes(why), `why=${why}, not ${reasons}`);
}

const text = () => prefix(key, COOKIE) + written.id;
/** The good envelope, changed. */
const changed = (changes) => pack({ ...seal(key, text(), { iv }), ...changes });
/** An envelope with a good mac around any bytes, encrypted or not. */
function sealed(value) {
  const members = { iv: iv.toString('base64'), value: value.toString('base64'), tag: '' };
  return pack({ ...members, mac: macOf(key, members) });
}

test('what the tests mint is what Laravel wrote, byte for byte', () => {
  assert.equal(sealCookie(COOKIE, written.id, key, { iv }), written.value);
  assert.equal(openCookie(COOKIE, written.value, key), written.id);
});

describe('accepted', () => {
  const { tag, ...older } = seal(key, text(), { iv });
  const slashed = (members) => JSON.stringify(members).replaceAll('/', '\\/');
  const values = {
    'the envelope of an older Laravel, without a tag and with escaped slashes': pack(slashed(older)),
    'JSON with white space, other members and in another order':
      pack(JSON.stringify({ x: [1, { iv: 'y' }], tag, mac: older.mac, value: older.value, iv: older.iv }, null, 4)),
    'base64 in lines': `${pack({ ...older, tag }).match(/.{1,76}/g).join('\n')}\n`,
    'AES-256-GCM': encrypt(key, text(), { cipher: 'gcm' }),
  };

  test('what Laravel wrote', () => letsIn(send(`${COOKIE}=${written.value}`)));
  for (const [name, value] of Object.entries(values)) test(name, () => letsIn(sendValue(value)));
  test('base64 whose +, / and = are not escaped', () => letsIn(send(`${COOKIE}=${changed({})}`)));
  test('any initialisation vector', async () => {
    for (let i = 0; i < 8; i++) await letsIn(sendValue(encrypt(key, text())));
  });
});

describe('refused', () => {
  const good = seal(key, text(), { iv });
  const values = {
    'no JSON': ['aGVsbG8=', 'malformed'],
    'no base64': ['{"iv":"x"}', 'malformed'],
    'an array': [pack([good.iv, good.value, good.mac, '']), 'malformed'],
    'a number': [pack('5'), 'malformed'],
    'null': [pack('null'), 'malformed'],
    'JSON without end': [pack(JSON.stringify(good).slice(0, -1)), 'malformed'],
    'JSON with something behind it': [pack(`${JSON.stringify(good)}{}`), 'malformed'],
    'JSON without end, nested': [pack('{"iv":'.repeat(400)), 'malformed'],
    'no mac': [changed({ mac: undefined }), 'malformed'],
    'no value': [changed({ value: undefined }), 'malformed'],
    'no initialisation vector': [changed({ iv: undefined }), 'malformed'],
    'a mac that is wrong': [changed({ mac: '0'.repeat(64) }), 'mac'],
    'a mac that is short': [changed({ mac: good.mac.slice(0, 63) }), 'mac', 'malformed'],
    'a mac in capitals': [changed({ mac: good.mac.toUpperCase() }), 'mac', 'malformed'],
    'a mac that is empty': [changed({ mac: '' }), 'mac', 'malformed'],
    'a mac that is a number': [changed({ mac: 1 }), 'malformed', 'mac'],
    'a mac that is true': [changed({ mac: true }), 'malformed', 'mac'],
    'an initialisation vector of 15 bytes': [changed({ iv: Buffer.alloc(15, 'x').toString('base64') }), 'malformed',
      'mac'],
    'an initialisation vector that is an array': [changed({ iv: ['x'] }), 'malformed'],
    'a value that is an array': [changed({ value: [good.value] }), 'malformed'],
    'a tag on an envelope with a mac': [changed({ tag: 'QUJD' }), 'malformed', 'mac'],
    'a tag that is a number': [changed({ tag: 1 }), 'malformed', 'mac'],
    'a value that is no base64, with a good mac': [pack({ ...good, value: '*', mac: macOf(key, { iv: good.iv,
      value: '*' }) }), 'malformed', 'mac'],
    'no whole block, with a good mac': [sealed(Buffer.from('short')), 'malformed', 'mac'],
    'no block at all, with a good mac': [sealed(Buffer.alloc(0)), 'malformed', 'mac'],
    'blocks without padding, with a good mac': [sealed(randomBytes(96)), 'malformed', 'mac', 'prefix'],
    'another key': [encrypt(newKey(), text()), 'mac'],
    'another key, in GCM': [encrypt(newKey(), text(), { cipher: 'gcm' }), 'mac', 'malformed'],
    'the prefix of another cookie': [encrypt(key, prefix(key, 'XSRF-TOKEN') + written.id), 'prefix'],
    'the prefix of another cookie, in GCM': [encrypt(key, prefix(key, 'XSRF-TOKEN') + written.id,
      { cipher: 'gcm' }), 'prefix'],
    'the prefix of another key': [encrypt(key, prefix(newKey(), COOKIE) + written.id), 'prefix'],
    'no prefix': [encrypt(key, written.id), 'prefix'],
    'the serialised text of a very old Laravel': [encrypt(key, `s:40:"${written.id}";`), 'prefix'],
    'nothing, encrypted': [encrypt(key, ''), 'prefix', 'malformed'],
    'the prefix alone': [encrypt(key, prefix(key, COOKIE)), 'session_id'],
    'an id of 39 characters': [encrypt(key, text().slice(0, -1)), 'session_id'],
    'an id of 41 characters': [encrypt(key, `${text()}U`), 'session_id'],
    'an id with a line behind it': [encrypt(key, `${text()}\n`), 'session_id'],
    'an id with a NUL in it': [encrypt(key, text().replace(/.$/, '\0')), 'session_id'],
    'an id that is a path': [encrypt(key, `${prefix(key, COOKIE)}${'../'.repeat(13)}x`), 'session_id'],
    'an id that only the server takes for the same': [encrypt(key, prefix(key, COOKIE)
      + written.id.replace(/[a-z]/gi, (c) => (c < 'a' ? c.toLowerCase() : c.toUpperCase()))), 'no_session'],
  };
  for (const [name, [value, ...reasons]] of Object.entries(values)) {
    test(name, () => isKeptOut(sendValue(value), ...reasons));
  }

  test('GCM with a tag of any length but sixteen bytes', async () => {
    const members = seal(key, text(), { cipher: 'gcm' });
    const tag = Buffer.from(members.tag, 'base64');
    for (let length = 0; length < 16; length++) {
      const short = pack({ ...members, tag: tag.subarray(0, length).toString('base64') });
      await isKeptOut(sendValue(short), 'malformed', 'mac');
    }
    const long = pack({ ...members, tag: Buffer.concat([tag, tag]).toString('base64') });
    await isKeptOut(sendValue(long), 'malformed', 'mac');
    await letsIn(sendValue(pack(members)));
  });

  test('GCM with an initialisation vector of sixteen bytes', async () => {
    await isKeptOut(sendValue(encrypt(key, text(), { cipher: 'gcm', iv })), 'malformed', 'mac');
  });

  test('an empty value, and a name without one', async () => {
    for (const header of [`${COOKIE}=`, COOKIE, `${COOKIE}`, '=', ';', '']) {
      await isKeptOut(send(header), 'malformed', 'no_proof');
    }
  });

  test('an escape in lower-case hex, a broken one, a double one', async () => {
    for (const value of [written.value.replace('%3D', '%3d'), written.value.replace('%3D', '%3'),
      written.value.replace('%3D', '%'), written.value.replace('%3D', '%%3D'), written.value.replace('%', '%25'),
      written.value.replace('%3D', '%G0'), written.value.replace('%3D', ' ')]) {
      await isKeptOut(send(`${COOKIE}=${value}`), 'malformed');
    }
  });

  test('base64 in which bits that nobody reads are set', async () => {
    const packed = changed({});
    assert.match(packed, /0=$/, 'its last letter has two such bits');
    for (const letter of ['1', '2', '3']) {
      await isKeptOut(sendValue(packed.replace(/0=$/, `${letter}=`)), 'malformed');
    }
    for (const end of ['0', '0==', '0=A', '0=A=']) {
      await isKeptOut(sendValue(packed.replace(/0=$/, end)), 'malformed');
    }
  });

  test('a value as long as a FastCGI request lets it be', async () => {
    for (const value of ['A'.repeat(60_000), pack('{"iv":'.repeat(6000)), pack({ ...good, x: 'y'.repeat(40_000) })]) {
      const answer = await stack.fcgi('GET', PAGE, { headers: { Cookie: `${COOKIE}=${encodeURIComponent(value)}` } });
      assert.ok([200, 400, 401].includes(answer.status), String(answer.status));
    }
  });
});

describe('the keys', () => {
  test('APP_PREVIOUS_KEYS are tried after APP_KEY, in both modes', async () => {
    for (const cipher of ['cbc', 'gcm']) {
      await letsIn(send(cookieOf(stack, ana.session, { appKey: retired, cipher })));
    }
  });

  test('a prefix belongs to the key that encrypted it', async () => {
    await isKeptOut(sendValue(encrypt(retired, `${prefix(newKey(), COOKIE)}${written.id}`)), 'prefix');
  });

  test('without APP_KEY nobody logs in', async () => {
    await withSettings(stack, { APP_KEY: null, APP_PREVIOUS_KEYS: null }, async () => {
      await isKeptOut(send(`${COOKIE}=${written.value}`), 'no_key');
    });
  });
});

describe('the name', () => {
  test('is looked for as Laravel made it before version 12, and since', async () => {
    for (const name of [COOKIE, NEW_COOKIE]) await letsIn(send(cookieOf(stack, ana.session, { name })));
  });

  test('of the one that is not in use any more does no harm', async () => {
    const gone = await newSession(stack, { user: ana.user, workspace: ana.workspace, age: 86400 });
    const [here, there] = [COOKIE, NEW_COOKIE].map((name) => cookieOf(stack, ana.session, { name }));
    const [old, older] = [COOKIE, NEW_COOKIE].map((name) => cookieOf(stack, gone, { name }));
    for (const pair of [[older, here], [old, there], [there, old], [here, older]]) {
      await letsIn(send(pair.join('; ')));
    }
  });

  test('must be the very one', async () => {
    for (const name of ['Laravel_session', 'LARAVEL_SESSION', 'laravel.session', 'laravel_session2', 'xlaravel_session',
      'laravel', '__Host-laravel_session']) {
      await isKeptOut(send(`${name}=${sealCookie(name, written.id, key)}`), 'no_proof');
      await isKeptOut(send(`${name}=${written.value}`), 'no_proof');
    }
  });

  test('belongs to its cookie: the other one\'s value is none of it', async () => {
    await isKeptOut(send(`${NEW_COOKIE}=${written.value}`), 'prefix');
  });

  test('is made of APP_NAME as Laravel makes it', async () => {
    const names = { 'Toko Kita #1': ['toko_kita_1_session', 'toko-kita-1-session'],
      'WA-Center': ['wa_center_session', 'wa-center-session'],
      '  Dua__Tiga  ': ['dua_tiga_session', 'dua-tiga-session'] };
    for (const [app, cookies] of Object.entries(names)) {
      await withSettings(stack, { APP_NAME: `"${app}"` }, async () => {
        for (const name of cookies) await letsIn(send(cookieOf(stack, ana.session, { name })));
        await isKeptOut(send(cookieOf(stack, ana.session, { name: COOKIE })), 'no_proof');
      });
    }
  });

  test('is SESSION_COOKIE where that is set, and then no other', async () => {
    await withSettings(stack, { SESSION_COOKIE: 'toko.session-1' }, async () => {
      await letsIn(send(cookieOf(stack, ana.session)));
      for (const name of [COOKIE, NEW_COOKIE, 'toko_session-1']) {
        await isKeptOut(send(cookieOf(stack, ana.session, { name })), 'no_proof');
      }
    });
  });
});

describe('the header', () => {
  const other = 'theme=dark; XSRF-TOKEN=eyJpdiI6; empty=; laravel=x; laravel_session_=y';

  test('may hold other cookies, before and behind', async () => {
    for (const header of [`${other}; ${ana.cookie}`, `${ana.cookie}; ${other}`, `${other};${ana.cookie};${other}`,
      `;; ${ana.cookie} ;`, `a;${ana.cookie}`, `a=b=c; ${ana.cookie}`, `"; ${ana.cookie}`, `%; ${ana.cookie}; %zz=%`,
      `${'x=y; '.repeat(500)}${ana.cookie}`]) {
      await letsIn(send(header));
    }
  });

  test('may come in two lines', async () => {
    const text = await callRaw(stack.port, [`GET ${PAGE} HTTP/1.1`, 'Host: localhost', 'Connection: close',
      `Cookie: ${other}`, `Cookie: ${ana.cookie}`, '', ''].join('\r\n'), { end: false });
    assert.match(text, /^HTTP\/1\.1 200 /);
  });

  test('counts the first of two with one name, as PHP does', async () => {
    await letsIn(send(`${ana.cookie}; ${COOKIE}=x`));
    await isKeptOut(send(`${COOKIE}=x; ${ana.cookie}`), 'malformed');
  });

  test('is read whatever other scheme Authorization has', async () => {
    for (const Authorization of ['Basic YTpi', 'Digest x', 'Negotiate', 'Bearerx 1|y']) {
      await letsIn(stack.call('GET', PAGE, { headers: { Cookie: ana.cookie, Authorization } }));
    }
  });
});
