// Who still uses what is to go: counted by caller, in /metrics and in the table of `wa-accountsctl legacy`.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { isDone, isRefused } from './lib/browser-expect.mjs';
import { BASE, isBroadcasted, isError } from './lib/expect.mjs';
import { connected, phone } from './lib/fixtures.mjs';
import { PAGE, browser, logIn } from './lib/login.mjs';
import { metrics } from './lib/observe.mjs';
import { asBefore, isDeprecated, oldPath } from './lib/old-paths.mjs';
import { startPeer } from './lib/peer.mjs';
import { freePort, until } from './lib/processes.mjs';
import { startStack } from './lib/stack.mjs';
import { makeTokenTable, newToken, script } from './lib/tokens.mjs';

const USES = 'wa_legacy_uses_total';
const REQUESTS = 'wa_legacy_requests_total';
const WEBHOOK = '/api/whatsapp/webhooks/webjs';
const KEY = 'a key of the Node.js service';
const NODE = '127.0.0.1';

let stack, ana, account;
before(async () => {
  stack = await startStack({ pool: false,
    env: { WA_WORKERS: 2, WA_NODE_API_KEY_IN: 'on', WHATSAPP_NODE_API_KEY: `"${KEY}"` } });
  await makeTokenTable(stack);
  stack.configure({ APP_URL: `${stack.url}/` });
  await stack.startPool();
  ana = await logIn(stack);
  account = await ana.account(connected());
});
after(() => stack?.stop());

const counted = async () => Object.fromEntries(Object.entries(await metrics(stack))
  .filter(([name]) => name.startsWith('wa_legacy_')));

/* Whoever counts does so before the next request. Two workers take turns: when each has served some of these, all that
   was before them is counted. */
const MARK = 'a mark';
const MARKED = `${REQUESTS}{caller="${MARK}",route="browser.index"}`;

/** What is more by `work`, of both series: {'webhook by 127.0.0.1': 1, 'old path of node.active by …': 1}. */
async function grownBy(work) {
  const earlier = await counted();
  await work();
  await until('all is counted', async () => {
    await stack.fcgi('GET', oldPath(PAGE), { params: { REMOTE_ADDR: MARK } });
    return (await counted())[MARKED] >= (earlier[MARKED] ?? 0) + 10;
  });
  const grown = Object.entries(await counted()).filter(([name]) => name !== MARKED)
    .map(([name, n]) => [name, n - (earlier[name] ?? 0)]).filter(([, n]) => n !== 0);
  return Object.fromEntries(grown.map(([name, n]) => {
    const [, series, caller, what] = name.match(/^(\w+)\{caller="(.*)",(?:use|route)="([\w.]+)"\}$/);
    return [`${series === USES ? '' : 'old path of '}${what} by ${caller}`, n];
  }));
}

const report = (data, path = `${BASE}/broadcast`) => stack.signed('POST', path,
  { event: 'account-status-changed', data: { workspace_id: ana.workspace, status: 'connected', ...data } });
const webhook = (event, data) => stack.signed('POST', WEBHOOK,
  { event, data: { workspace_id: ana.workspace, session_id: account.session_id, ...data } });
const polled = (headers) => stack.call('GET', `${BASE}/${account.session_id}/status`, { headers });
const byKey = (method, path, body, key = KEY) => stack.call(method, path, { body,
  headers: { 'Content-Type': 'application/json', 'X-API-Key': key } });
const cleanUp = ({ uuid }, who = ana) =>
  who.call('DELETE', `/${uuid}`, { headers: { Accept: 'application/json, text/plain, */*' } });

describe('each use is counted by who makes it', () => {
  test('a report by the webhook', async () => {
    const grown = await grownBy(async () => {
      for (const [event, data] of [['session_authenticated', { status: 'authenticated' }],
        ['session_ready', { phone_number: account.phone_number, platform: 'android', extraction_method: 'info' }]]) {
        const answer = await webhook(event, data);
        assert.equal(answer.status, 200, answer.text);
        assert.deepEqual(answer.json, { status: 'processed' });
      }
    });
    /* Its own words and its session_id are no further uses. */
    assert.deepEqual(grown, { [`webhook by ${NODE}`]: 2 });
  });

  test('what the webhook leaves to Laravel is no use of ours', async () => {
    assert.deepEqual(await grownBy(async () => {
      const answer = await webhook('message_received', { text: 'x' });
      assert.equal(answer.headers['x-handled-by'], 'laravel', answer.text);
    }), {});
  });

  test('the key of the Node service, in place of a signature', async () => {
    const grown = await grownBy(async () => {
      assert.equal((await byKey('GET', `${BASE}/active`)).status, 200);
      const path = `${oldPath(BASE)}/${account.session_id}/mark-disconnected`;
      const answer = isDeprecated(await byKey('POST', path, JSON.stringify({ workspace_id: ana.workspace })),
        `${BASE}/${account.session_id}/mark-disconnected`);
      assert.equal(answer.status, 200, answer.text);
    });
    assert.deepEqual(grown, { [`api_key by ${NODE}`]: 2, [`old path of node.mark_disconnected by ${NODE}`]: 1 });
  });

  test('old words for states', async () => {
    const grown = await grownBy(async () => {
      for (const status of ['authenticated', 'ready', 'failed', 'qr_scanning', 'initializing']) {
        const other = await ana.account({ phone_number: phone() });
        isBroadcasted(await report({ account_id: other.id, status }));
      }
      for (const status of ['connected', 'disconnected', 'error', 'connecting']) {
        isBroadcasted(await report({ account_id: (await ana.account({ phone_number: phone() })).id, status }));
      }
    });
    assert.deepEqual(grown, { [`state_word by ${NODE}`]: 5 });
  });

  test('session_id in the place of account_id', async () => {
    const grown = await grownBy(async () => {
      isBroadcasted(await report({ session_id: account.session_id }));
      isBroadcasted(await report({ account_id: account.session_id }));
      isBroadcasted(await report({ account_id: account.uuid, session_id: account.session_id }));
    });
    assert.deepEqual(grown, { [`session_field by ${NODE}`]: 1 });
  });

  test('but not where there is neither of them', async () => {
    assert.deepEqual(await grownBy(async () => isError(await report({}), 422)), {});
  });

  test('a page that asks for the status with its cookie', async () => {
    const grown = await grownBy(async () => {
      assert.equal((await polled({ Cookie: ana.cookie })).status, 200);
      assert.equal((await stack.signed('GET', `${BASE}/${account.uuid}/status`)).status, 200);
    });
    assert.deepEqual(grown, { [`login_status by user:${ana.user}`]: 1 });
  });

  test('a page that cleans up, whether the account is kept or not', async () => {
    const [kept, gone, deleted] = [connected(), {}, connected()].map((columns) => ana.account(columns));
    const grown = await grownBy(async () => {
      isRefused(await cleanUp(await kept), 409, 'kept');
      isDone(await cleanUp(await gone), 'Account deleted successfully');
      isDone(await ana.call('DELETE', `/${(await deleted).uuid}`), 'Account deleted successfully');
    });
    assert.deepEqual(grown, { [`cleanup_delete by user:${ana.user}`]: 2 });
  });

  test('an old path beside the use, each in its series', async () => {
    const who = browser(asBefore(stack), ana);
    const other = await ana.account(connected());
    const grown = await grownBy(async () => {
      isRefused(isDeprecated(await cleanUp(other, who), `${PAGE}/${other.uuid}`), 409, 'kept');
      isBroadcasted(isDeprecated(await report({ session_id: account.session_id, status: 'ready' },
        '/api/whatsapp/broadcast'), `${BASE}/broadcast`));
      isBroadcasted(isDeprecated(await report({ account_id: account.id }, `${oldPath(BASE)}/broadcast`),
        `${BASE}/broadcast`));
    });
    assert.deepEqual(grown, { [`cleanup_delete by user:${ana.user}`]: 1,
      [`old path of browser.destroy by user:${ana.user}`]: 1, [`session_field by ${NODE}`]: 1,
      [`state_word by ${NODE}`]: 1, [`old path of node.broadcast by ${NODE}`]: 2 });
  });

  test('nothing of today\'s', async () => {
    const token = script(stack, (await newToken(stack, ana.user)).text);
    const { uuid } = await ana.account(connected());
    assert.deepEqual(await grownBy(async () => {
      await ana.call('GET');
      await ana.call('GET', `/${uuid}`);
      await token.call('GET');
      await token.call('DELETE', `/${uuid}`, { headers: { Accept: 'application/json, text/plain, */*' } });
      await stack.signed('GET', `${BASE}/active`);
      await stack.signed('POST', `${BASE}/${account.uuid}/mark-disconnected`, { workspace_id: ana.workspace });
    }), {});
  });

  test('nothing of those who are not let in', async () => {
    const nobody = browser(stack, { ...ana, cookie: null });
    assert.deepEqual(await grownBy(async () => {
      isError(await byKey('GET', `${BASE}/active`, undefined, 'another key of some length'), 401, 'Invalid API key');
      isError(await stack.call('POST', WEBHOOK, { body: '{"event":"session_ready","data":{}}' }), 401);
      assert.equal((await polled({ Cookie: 'laravel_session=x' })).status, 401);
      assert.equal((await cleanUp(account, nobody)).status, 401);
    }), {});
  });
});

test('who is one too many is one of the others', async () => {
  for (let i = 0; i < 150; i++) await stack.fcgiSigned('POST', `${BASE}/broadcast`,
    { event: 'account-status-changed', data: { workspace_id: ana.workspace, account_id: account.id, status: 'ready' } },
    { params: { REMOTE_ADDR: `192.0.2.${i}` } });
  const series = await until('they are counted', async () => {
    const now = await metrics(stack);
    return now[`${USES}{caller="other",use="state_word"}`] > 0 && now;
  });
  assert.ok(series[`${USES}{caller="192.0.2.0",use="state_word"}`] >= 1);
});

describe('wa-accountsctl legacy', () => {
  async function legacy(...args) {
    const result = await stack.ctl('legacy', ...args);
    assert.equal(result.signal, null, result.out);
    assert.doesNotMatch(result.out, /Sanitizer|runtime error:/);
    return result;
  }
  /** Its table: {'CALLER': {'WHAT IS OLD': TIMES}}. */
  async function table(...args) {
    const { code, stdout, stderr } = await legacy(...args);
    assert.equal(code, 0, stderr);
    assert.equal(stderr, '');
    const [head, ...rows] = stdout.trimEnd().split('\n').map((line) => line.split(/ {2,}/));
    assert.deepEqual(head, ['CALLER', 'WHAT IS OLD', 'TIMES']);
    const found = {};
    for (const [caller, what, times] of rows) {
      assert.match(times, /^[1-9]\d*$/);
      (found[caller] ??= {})[what] = Number(times);
    }
    return found;
  }
  async function restart(changes = {}) {
    await stack.stopPool();
    stack.configure(changes);
    await stack.startPool();
  }
  async function fails(code, pattern, ...args) {
    const result = await legacy(...args);
    assert.equal(result.code, code, result.out);
    assert.equal(result.stdout, '');
    assert.match(result.stderr, pattern);
  }
  const serves = async (t, answer) => {
    const peer = await startPeer({ answer });
    t.after(() => peer.stop());
    return `--url=http://127.0.0.1:${peer.port}`;
  };

  test('says that nobody has, as long as that is so', async () => {
    await restart();
    const { code, stdout } = await legacy();
    assert.equal(code, 0);
    assert.match(stdout, /^CALLER +WHAT IS OLD +TIMES\nnobody has used anything old/);
  });

  test('prints all callers with what they have used, each with how often', async () => {
    await restart();
    const eve = await logIn(stack);
    const token = await newToken(stack, ana.user);
    const old = asBefore(stack);
    for (let i = 0; i < 3; i++) await browser(old, ana).call('GET');
    await browser(old, eve).call('GET', `/${(await eve.account()).uuid}`);
    await script(old, token.text).call('GET');
    await polled({ Cookie: ana.cookie });
    await cleanUp(await eve.account(connected()), eve);
    await webhook('session_authenticated', {});
    await byKey('GET', `${BASE}/active`);
    await byKey('GET', `${oldPath(BASE)}/active`);
    await report({ session_id: account.session_id, status: 'ready' }, '/api/whatsapp/broadcast');
    const rows = await until('all is counted', async () => {
      const now = await table();
      return now[NODE]?.['old path of node.broadcast'] && now;
    });
    const { [NODE]: node, ...people } = rows;
    assert.deepEqual(people, {
      [`user:${ana.user}`]: { 'old path of browser.index': 3, login_status: 1 },
      [`user:${eve.user}`]: { 'old path of browser.show': 1, cleanup_delete: 1 },
      [`token:${token.id}`]: { 'old path of browser.index': 1 },
    });
    assert.deepEqual(node, { webhook: 1, api_key: 2, state_word: 1, session_field: 1, 'old path of node.active': 1,
      'old path of node.broadcast': 1 });
    assert.deepEqual(await table('--url', stack.url), rows);
    assert.deepEqual(await table(`--url=${stack.url}//`), rows);
  });

  test('counts those who come when it is too late', async () => {
    await restart({ WA_LEGACY_ALIASES: 'off' });
    try {
      for (let i = 0; i < 2; i++) assert.equal((await stack.call('GET', `${oldPath(PAGE)}`)).status, 410);
      await until('both are counted', async () => (await table())[NODE]?.['old path of browser.index'] === 2);
    } finally {
      await restart({ WA_LEGACY_ALIASES: null });
    }
  });

  test('prints nothing of what a caller calls itself that a terminal would obey', async () => {
    await restart();
    await stack.fcgi('GET', oldPath(PAGE), { params: { REMOTE_ADDR: 'x\u001b[31m' } });
    await until('it is counted', async () => Object.keys(await table()).length === 1);
    const { stdout } = await legacy();
    assert.match(stdout, /x\?\[31m/);
    assert.doesNotMatch(stdout, /\u001b/);
  });

  test('says why it has nothing to print, and fails', async (t) => {
    await fails(1, /metrics.*: .+/, `--url=http://127.0.0.1:${await freePort()}`);
    await fails(1, /403.*this host/, await serves(t, () => ({ status: 403, body: 'Forbidden' })));
    await fails(1, /404/, await serves(t, () => ({ status: 404, body: 'Not Found' })));
    await fails(1, /30[12]/, await serves(t, () => ({ status: 302, headers: { Location: '/login' }, body: '' })));
  });

  test('does not take another page for metrics', async (t) => {
    await fails(1, /.+/, await serves(t, () => ({ status: 200, body: '<html>\n<body>Welcome</body>\n</html>\n' })));
  });

  test('asks for nothing but the metrics, with nothing of ours', async (t) => {
    const body = `# HELP ${REQUESTS} x\n${REQUESTS}{caller="user:1",route="a.b"} 7\n`;
    const peer = await startPeer({ answer: () => ({ status: 200, body }) });
    t.after(() => peer.stop());
    assert.deepEqual(await table(`--url=http://127.0.0.1:${peer.port}/`), { 'user:1': { 'old path of a.b': 7 } });
    const [{ method, url, headers }, ...more] = peer.requests;
    assert.deepEqual([method, url, more], ['GET', '/metrics', []]);
    for (const name of ['x-api-key', 'x-hmac-signature', 'authorization', 'cookie']) {
      assert.equal(headers[name], undefined);
    }
  });

  test('what it is given must make sense', async () => {
    for (const args of [['--url=ftp://x'], ['--url='], ['x'], ['--no-such'], ['--url']]) {
      await fails(64, /.+/, ...args);
    }
  });
});
