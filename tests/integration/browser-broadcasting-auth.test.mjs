// POST /broadcasting/auth: a browser's proof that it may listen to its workspace's private channel, where no Laravel
// stands beside us to give it. Whether a proof is right, the official package of the Pusher protocol decides.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { hasHeaders, isForbidden, isOk, isRefused, isUnauthenticated, whyOf, whysOf } from './lib/browser-expect.mjs';
import { newKey } from './lib/envelope.mjs';
import { BASE, isBroadcasted } from './lib/expect.mjs';
import { COOKIE, browser, compose, cookieOf, join, logIn, newSession, newUser, newWorkspace, random40 }
  from './lib/login.mjs';
import { packageOf } from './lib/packages.mjs';
import { until } from './lib/processes.mjs';
import { startPusher } from './lib/pusher-server.mjs';
import { routes } from './lib/routes.mjs';
import { withSettings } from './lib/settings.mjs';
import { signedHeaders } from './lib/sign.mjs';
import { startStack } from './lib/stack.mjs';
import { makeKeyTable, makeTokenTable, newToken, newWorkspaceKey } from './lib/tokens.mjs';

const PATH = '/broadcasting/auth';
const SOCKET = '1234.5678';

let stack, pusher, ana, budi;
before(async () => {
  pusher = await startPusher();
  stack = await startStack({ pool: false, env: { WA_RELAY: 'on', WA_WORKSPACE_KEYS: 'on', ...pusher.env() } });
  await makeTokenTable(stack);
  await makeKeyTable(stack);
  await stack.startPool();
  [ana, budi] = [await logIn(stack), await logIn(stack)];
});
after(async () => {
  await stack?.stop();
  await pusher?.end();
});

const channelOf = ({ workspace }) => `private-workspace.${workspace}`;
/** What a page sends to listen to this person's channel. */
const fieldsOf = (who, changes = {}) => ({ socket_id: SOCKET, channel_name: channelOf(who), ...changes });

/** The request with this browser's cookie, and no CSRF token; `who` may be null. */
function ask(who, { form, json, body, headers = {}, method = 'POST', on = stack } = {}) {
  const { headers: given, ...request } = compose({ method, form, json, body, headers });
  return on.call(method, PATH, { ...request, headers: { Accept: 'application/json',
    ...(who?.cookie ? { Cookie: who.cookie } : {}), ...given } });
}

/** 200, and the proof that the official package would give. */
function isProof(answer, who, socket = SOCKET, official = pusher.official) {
  assert.deepEqual(isOk(answer), official.authorizeChannel(socket, channelOf(who)));
  assert.equal(answer.headers['set-cookie'], undefined, 'no cookies are sent again');
}

const words = new Set();
/** 403, in the same words for whatever reason. */
function isNotTheirs(answer) {
  isRefused(answer, 403, 'forbidden');
  assert.equal(answer.headers['set-cookie'], undefined);
  words.add(answer.text);
}

test('the routing table has it, for a login alone', async () => {
  const rows = (await routes(stack)).filter(({ path }) => path.startsWith('/broadcasting'));
  assert.deepEqual(rows, [{ method: 'POST', path: PATH, ways: ['login'], name: 'browser.broadcasting_auth' }]);
});

describe('somebody who is logged in', () => {
  test('gets the proof for the own workspace\'s channel, by a form and by JSON', async () => {
    for (const who of [ana, budi]) {
      isProof(await ask(who, { form: fieldsOf(who) }), who);
      isProof(await ask(who, { json: fieldsOf(who) }), who);
      isProof(await ask(who, { form: fieldsOf(who), headers: {
        'Content-Type': 'application/x-www-form-urlencoded; charset=UTF-8' } }), who);
    }
  });

  test('gets it for every number that a server may give a browser', async () => {
    for (const socket_id of ['0.0', '1.2', '123456789.987654321', `${'1'.repeat(19)}.${'9'.repeat(19)}`]) {
      isProof(await ask(ana, { form: fieldsOf(ana, { socket_id }) }), ana, socket_id);
    }
  });

  test('needs no CSRF token, and a wrong one does no harm', async () => {
    isProof(await ask(ana, { json: fieldsOf(ana, { _token: random40() }) }), ana);
    isProof(await ask(ana, { form: fieldsOf(ana), headers: { 'X-CSRF-TOKEN': 'x', 'X-XSRF-TOKEN': 'y' } }), ana);
  });

  test('may send more than is asked for', async () => {
    isProof(await ask(ana, { json: fieldsOf(ana, { channel_data: '{"user_id":1}', auth: 'x' }) }), ana);
  });

  test('may be somebody whom the owner has let in', async () => {
    const user = await newUser(stack);
    await join(stack, user, ana.workspace, { role: 'owner' });
    const guest = await logIn(stack, { user, workspace: ana.workspace });
    isProof(await ask(guest, { form: fieldsOf(ana) }), ana);
  });

  test('gets the channel of the workspace in which the session is, and no other of the user\'s', async () => {
    const second = await logIn(stack, { user: ana.user, workspace: await newWorkspace(stack, ana.user) });
    isProof(await ask(second, { form: fieldsOf(second) }), second);
    isNotTheirs(await ask(second, { form: fieldsOf(ana) }));
    isNotTheirs(await ask(ana, { form: fieldsOf(second) }));
  });

  test('hears with it what is told, and nobody hears without', async () => {
    const PusherClient = await packageOf('pusher-js');
    const heard = { ana: [], budi: [] };
    const errors = [];
    const clients = [['ana', ana, ana], ['budi', budi, ana]].map(([name, who, whose]) => {
      const client = new PusherClient(pusher.app.key, { cluster: '', wsHost: '127.0.0.1', wsPort: pusher.port,
        forceTLS: false, enabledTransports: ['ws'], disableStats: true, channelAuthorization: {
          customHandler: async ({ socketId, channelName }, done) => {
            const answer = await ask(who, { form: { socket_id: socketId, channel_name: channelName } });
            if (answer.status === 200) done(null, answer.json);
            else done(new Error(answer.text), null);
          } } });
      client.subscribe(channelOf(whose)).bind('account-status-changed', (data) => heard[name].push(data))
        .bind('pusher:subscription_error', () => errors.push(name));
      return client;
    });
    try {
      await until('one listens and one is refused', () => pusher.subscribers(channelOf(ana)) === 1
        && errors.length === 1);
      assert.deepEqual(errors, ['budi']);
      const account = await ana.account();
      isBroadcasted(await stack.signed('POST', `${BASE}/broadcast`, { event: 'account-status-changed',
        data: { account_id: account.uuid, workspace_id: ana.workspace, status: 'error' } }));
      await until('it is heard', () => heard.ana.length === 1);
      assert.equal(heard.ana[0].uuid, account.uuid);
      assert.deepEqual(heard.budi, []);
    } finally {
      for (const client of clients) client.disconnect();
    }
  });
});

describe('who is logged in is not let in', () => {
  /** All of these fields are refused, as a form (where one can say it) and as JSON. */
  async function refused(list, { forms = true } = {}) {
    for (const changes of list) {
      const fields = fieldsOf(ana, changes);
      isNotTheirs(await ask(ana, { json: fields }));
      if (forms) isNotTheirs(await ask(ana, { form: fields }));
    }
  }
  const channels = (list) => list.map((channel_name) => ({ channel_name }));
  const sockets = (list) => list.map((socket_id) => ({ socket_id }));

  test('to another workspace\'s channel', async () => {
    const { workspace } = ana;
    await refused(channels([channelOf(budi), ...[workspace + 1, workspace - 1, 0, -workspace, 1e9,
      `${workspace}0`, `${workspace}.0`, `0${workspace}`, `+${workspace}`, `${workspace}e0`,
      '18446744073709551616', '*', ''].map((id) => `private-workspace.${id}`)]));
    isProof(await ask(budi, { form: fieldsOf(budi) }), budi);
  });

  test('to a channel of another kind', async () => {
    const { user, workspace } = ana;
    await refused(channels([`workspace.${workspace}`, `public-workspace.${workspace}`,
      `presence-workspace.${workspace}`, `private-encrypted-workspace.${workspace}`,
      `private-cache-workspace.${workspace}`, `private-private-workspace.${workspace}`,
      `private-App.Models.User.${user}`, `private-chats.${workspace}`, `private-workspaces.${workspace}`,
      `private-workspace-${workspace}`, `private-workspace${workspace}`, `private-${workspace}`, `${workspace}`,
      'private-', 'workspace.', '#server-to-user-1']));
  });

  test('to one that is spelt in another way', async () => {
    const own = channelOf(ana);
    const { workspace } = ana;
    await refused(channels([own.toUpperCase(), own.replace('p', 'P'), own.replace('w', 'W'), `${own}.`, `${own},`,
      `${own}\u0001x`, `${own} x`, `${own}:x`, `${own}/`, `${own},${channelOf(budi)}`, `${channelOf(budi)},${own}`,
      `${own};${own}`, `${own}${own}`, `private- workspace.${workspace}`, `private-workspace .${workspace}`,
      `private-workspace. ${workspace}`, own.replace('-', '\u2010'), own.replace('.', '\u2024'),
      `private-workspace.${String(workspace).replace(/\d/g, (c) => String.fromCodePoint(0xff10 + Number(c)))}`,
      encodeURIComponent(own).replace('.', '%2E'), `"${own}"`, `x${own}`, `${own}${'x'.repeat(2000)}`]));
  });

  test('by a number that no server gives, or something else', async () => {
    await refused(sockets(['', '1', '1.', '.1', '.', '1..2', '1.2.3', '-1.2', '1.-2', '+1.2', '1,2', '1:2', 'a.b',
      '1.b', '0x1.2', '1e3.2', '1.2e3', '1 .2', '1. 2', '1.2\n3.4', '1.2\u00013', '１.２',
      `1.2:${channelOf(budi)}`, `1.2:${channelOf(ana)}`, `1.2,3.4`, '"1.2"', 'null', 'undefined']));
    const long = ['9'.repeat(64), '9'.repeat(1000), '9'.repeat(8000)];
    await refused(sockets(long.flatMap((digits) => [`${digits}.1`, `1.${digits}`, digits])));
  });

  test('without one of the fields, or with something else than a text in it', async () => {
    for (const name of ['socket_id', 'channel_name']) {
      const { [name]: left, ...others } = fieldsOf(ana);
      isNotTheirs(await ask(ana, { json: others }));
      isNotTheirs(await ask(ana, { form: others }));
      for (const [written, value] of [[`${name}[]`, left], [`${name}[0]`, left], [`${name}[x]`, left],
        [name.toUpperCase(), left], [`${name}.`, left]]) {
        isNotTheirs(await ask(ana, { form: { ...others, [written]: value } }));
      }
      const values = [null, true, false, 1, 1.5, 0, [], {}, [left], [[left]], { 0: left }, { toString: left }];
      await refused(values.map((value) => ({ [name]: value })), { forms: false });
    }
    for (const request of [{}, { json: {} }, { json: [] }, { form: {} }, { form: 'x' }]) {
      isNotTheirs(await ask(ana, request));
    }
  });

  test('by a field that is named twice, unless the last one is right', async () => {
    const twice = (first, last) => `socket_id=${SOCKET}&channel_name=${first}&channel_name=${last}`;
    isNotTheirs(await ask(ana, { form: twice(channelOf(ana), channelOf(budi)) }));
    isProof(await ask(ana, { form: twice(channelOf(budi), channelOf(ana)) }), ana);
  });

  test('and the log says why; it never has a proof in it', async () => {
    const answer = await ask(ana, { form: fieldsOf(budi) });
    isNotTheirs(answer);
    assert.equal(await whyOf(stack, answer), 'other_channel');
    const good = await ask(ana, { form: fieldsOf(ana) });
    const [, signature] = good.json.auth.split(':');
    for (const secret of [pusher.app.secret, signature, SOCKET]) assert.ok(!stack.log().includes(secret));
    assert.ok(!good.text.includes(pusher.app.secret));
  });
});

test('blanks around a field are taken away, as from all fields: what is proven is the own channel without them',
  async () => {
    for (const blank of [' ', '\t', '\n', '\r\n', '\u00a0']) {
      for (const [before, behind] of [['', blank], [blank, ''], [blank, blank]]) {
        for (const name of ['socket_id', 'channel_name']) {
          const fields = fieldsOf(ana, { [name]: `${before}${fieldsOf(ana)[name]}${behind}` });
          isProof(await ask(ana, { json: fields }), ana);
          isProof(await ask(ana, { form: fields }), ana);
        }
      }
    }
  });

describe('who comes without a login that is good', () => {
  const cookie = (value) => ({ cookie: `${COOKIE}=${value}` });
  const guests = {
    'nobody, with nothing': ['no_proof', () => null],
    'nobody, with a token for forms alone': ['no_proof', () => null, { 'X-CSRF-TOKEN': random40() }],
    'a cookie that is no envelope': ['malformed', () => cookie('eyJ9')],
    'a cookie of another application': ['mac', () => ({ cookie: cookieOf(stack, ana.session,
      { appKey: newKey() }) })],
    'a session that is not there': ['no_session', () => ({ cookie: cookieOf(stack, { id: random40() }) })],
    'a session that has ended': ['expired', () => logIn(stack, { user: ana.user, workspace: ana.workspace,
      age: 86400 })],
    'a guest': ['guest', async () => browser(stack, { session: await newSession(stack,
      { workspace: ana.workspace }) })],
    'an administrator': ['guest', () => logIn(stack, { user: ana.user, workspace: ana.workspace, guard: 'admin' })],
    'a user who is not there': ['user_gone', () => logIn(stack, { user: 2147483000, workspace: ana.workspace })],
  };
  for (const [name, [why, make, headers = {}]] of Object.entries(guests)) {
    test(`is a 401: ${name}`, async () => {
      const who = await make();
      const answers = [];
      for (const request of [{ form: fieldsOf(ana) }, { json: fieldsOf(ana) }, { form: fieldsOf(budi) }, {},
        { body: '{', headers: { 'Content-Type': 'application/json' } }]) {
        answers.push(await ask(who, { ...request, headers: { ...request.headers, ...headers } }));
      }
      for (const answer of answers) {
        isUnauthenticated(answer);
        assert.equal(answer.headers['set-cookie'], undefined);
      }
      assert.deepEqual(new Set(await whysOf(stack, answers)), new Set([why]));
    });
  }

  const members = {
    not_member: () => null,
    role: () => ({ role: 'agent' }),
    suspended: () => ({ status: 'suspended' }),
  };
  for (const [why, columns] of Object.entries(members)) {
    test(`is a 403 in a workspace that is not theirs: ${why}`, async () => {
      const user = await newUser(stack);
      if (columns()) await join(stack, user, ana.workspace, columns());
      const who = await logIn(stack, { user, workspace: ana.workspace });
      const answer = await ask(who, { form: fieldsOf(ana) });
      isForbidden(answer);
      assert.equal(await whyOf(stack, answer), why);
    });
  }

  test('is a 403 in no workspace', async () => {
    const who = await logIn(stack, { user: ana.user, data: { current_workspace: undefined } });
    for (const id of [ana.workspace, 0, '', 'null']) {
      const channel_name = `private-workspace.${id}`;
      const answer = await ask(who, { form: fieldsOf(ana, { channel_name }) });
      isForbidden(answer);
      assert.equal(await whyOf(stack, answer), 'no_workspace');
    }
  });
});

describe('another way in', () => {
  test('a bearer token is none, good or not, with a login or without', async () => {
    const tokens = [(await newToken(stack, ana.user)).text, await newWorkspaceKey(stack, ana.workspace),
      `1|${random40()}`];
    for (const token of tokens) {
      for (const who of [null, ana]) {
        const answer = await ask(who, { form: fieldsOf(ana), headers: { Authorization: `Bearer ${token}` } });
        isUnauthenticated(answer);
        assert.equal(await whyOf(stack, answer), 'wrong_way');
      }
    }
  });

  test('a signature is none, good or not, with a login or without', async () => {
    const body = JSON.stringify(fieldsOf(ana));
    for (const secret of [stack.secret, 'another secret']) {
      for (const who of [null, ana]) {
        const answer = await ask(who, { body, headers: { 'Content-Type': 'application/json',
          ...signedHeaders(secret, body) } });
        isUnauthenticated(answer);
        assert.equal(await whyOf(stack, answer), 'wrong_way');
      }
    }
  });

  test('nginx\'s word for its own routes is none', async () => {
    const { headers, body } = compose({ form: fieldsOf(ana) });
    isUnauthenticated(await stack.fcgi('POST', PATH, { body, headers: { ...headers, Accept: 'application/json' },
      params: { WA_LOCAL: '1' } }));
  });
});

describe('a request that is none', () => {
  test('by another method is a 405', async () => {
    for (const method of ['GET', 'PUT', 'PATCH', 'DELETE']) {
      const answer = await ask(ana, { method, form: fieldsOf(ana) });
      isRefused(answer, 405, 'method_not_allowed');
      assert.equal(answer.headers.allow, 'POST');
    }
  });

  test('that cannot be read is a 400, of another type a 415, too large a 413', async () => {
    const type = (value) => ({ 'Content-Type': value });
    for (const body of ['{', '[1]', '"x"', `{"socket_id":"${SOCKET}"`]) {
      assert.equal((await ask(ana, { body, headers: type('application/json') })).status, 400, body);
    }
    const { body } = compose({ form: fieldsOf(ana) });
    for (const value of ['text/plain', 'multipart/form-data; boundary=x']) {
      assert.equal((await ask(ana, { body, headers: type(value) })).status, 415, value);
    }
    const large = await ask(ana, { form: fieldsOf(ana, { more: 'x'.repeat(20_000) }) });
    assert.equal(large.status, 413, large.text);
  });
});

describe('without somebody to whom events go', () => {
  for (const connection of ['null', 'log', null]) {
    test(`every channel is a 403: BROADCAST_CONNECTION ${connection === null ? 'is not set' : `is ${connection}`}`,
      async () => {
        await withSettings(stack, { BROADCAST_CONNECTION: connection }, async () => {
          const answers = [await ask(ana, { form: fieldsOf(ana) }), await ask(ana, { json: fieldsOf(ana) }),
            await ask(ana, { form: fieldsOf(budi) })];
          for (const answer of answers) isNotTheirs(answer);
          assert.deepEqual(new Set(await whysOf(stack, answers)), new Set(['no_broadcaster']));
          isUnauthenticated(await ask(null, { form: fieldsOf(ana) }));
        });
      });
  }

  test('and with Pusher\'s settings the proof is of Pusher\'s key', async () => {
    const other = await startPusher();
    try {
      await withSettings(stack, other.env('pusher'), async () => {
        const answer = await ask(ana, { form: fieldsOf(ana) });
        isProof(answer, ana, SOCKET, other.official);
        assert.ok(answer.json.auth.startsWith(`${other.app.key}:`));
      });
    } finally {
      await other.end();
    }
  });

  test('and while the relay is off a page can listen all the same: other hosts tell it', async () => {
    await withSettings(stack, { WA_RELAY: 'off' }, async () => {
      isProof(await ask(ana, { form: fieldsOf(ana) }), ana);
    });
  });
});

test('whatever the reason, who is refused reads the same', () => {
  assert.equal(words.size, 1, [...words].join('\n'));
});

test('beside Laravel it is Laravel\'s, and without one it is ours', async () => {
  const beside = await startStack({ env: pusher.env(),
    editNginx: (text) => text.replace('default standalone;', 'default beside;') });
  try {
    const who = await logIn(beside);
    const theirs = await ask(who, { form: fieldsOf(who), on: beside });
    assert.equal(theirs.headers['x-handled-by'], 'laravel');
    assert.ok(!theirs.text.includes('auth":'));
    const ours = await ask(ana, { form: fieldsOf(ana) });
    assert.equal(ours.headers['x-handled-by'], undefined);
    hasHeaders(ours);
    isProof(ours, ana);
  } finally {
    await beside.stop();
  }
});
