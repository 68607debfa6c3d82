// The relay's commands to the Node.js service: which request goes to which instance, what its answers mean, and
// what becomes of an account whose session cannot be started.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { isDone } from './lib/browser-expect.mjs';
import { BASE, isAboutNow, isBroadcasted, sameKeys, secondsBetween } from './lib/expect.mjs';
import { phone, utc } from './lib/fixtures.mjs';
import { logIn } from './lib/login.mjs';
import { instances, startNodeService } from './lib/node-service.mjs';
import { metrics } from './lib/observe.mjs';
import { OPEN } from './lib/outbox.mjs';
import { pause, until } from './lib/processes.mjs';
import { startPusher } from './lib/pusher-server.mjs';
import { SOME_LOOKS_MS, relayOf, whileHeld } from './lib/relay.mjs';
import { withSettings } from './lib/settings.mjs';
import { startStack } from './lib/stack.mjs';

/* Of those that nobody answers; all others are given more time than a slow host needs. */
const TIMEOUT_S = 2;
const COMMANDS = ['connect', 'disconnect', 'reconnect', 'regenerate-qr'];

let stack, pusher, nodes, stranger;
before(async () => {
  pusher = await startPusher();
  const first = await startNodeService();
  nodes = [first, await startNodeService({ key: first.key })];
  stranger = await startNodeService({ key: first.key });
  stack = await startStack({ env: { WA_RELAY: 'on', WA_RELAY_POLL: 100, WA_NODE_TIMEOUT: 60,
    WA_MAX_ACCOUNTS: 1000, ...pusher.env(), ...instances(...nodes) } });
});
after(async () => {
  await stack?.stop();
  await pusher?.end();
  for (const node of [...nodes ?? [], stranger]) await node?.stop();
});
afterEach(async () => {
  for (const node of nodes) {
    node.behave(undefined);
    node.adds(() => ({}));
    await node.stop();
    await node.start();
  }
  await settled();
  for (const node of nodes) await until('the breaker is closed', () => closed(node), { every: 200, tries: 150 });
  assert.deepEqual([stranger.requests.length, stranger.connections], [0, 0], 'nobody else is ever asked');
  for (const node of nodes) {
    node.forget();
    node.sessions.clear();
  }
  pusher.forget();
});

/** Somebody in a new workspace, whose sessions are with instance 1 or 2 (i 0 or 1). */
async function someone(i) {
  for (;;) {
    const who = await logIn(stack);
    if (i === undefined || who.workspace % 2 === i) return who;
  }
}
const nodeOf = ({ workspace_id }) => nodes[workspace_id % 2];
const breaker = async (node) => (await metrics(stack))[`wa_relay_breaker{peer="instance-${1 + nodes.indexOf(node)}"}`];
const settled = () => until('everything is settled', async () => await stack.value(`SELECT COUNT(*) FROM wa_outbox
  WHERE state IN ('waiting', 'sending')`) === '0');
const settledCommands = (account) => until('its commands are settled', async () => {
  const { commands } = await stack.state(account.id);
  return commands.length > 0 && commands.every(({ state }) => !['waiting', 'sending'].includes(state)) && commands;
});
const rowsOf = async (account) => (await stack.state(account.id)).commands;
const failed = (account) => until('a failure is noted', async () => (await rowsOf(account)).some(({ last_error }) =>
  last_error));

/** An open breaker closes when an instance has answered: it is given something to do. */
async function closed(node) {
  if (await breaker(node) === 0) return true;
  await command(await (await someone(nodes.indexOf(node))).account(), 'disconnect');
  await settled();
  return false;
}

/** A command in the outbox, as a request or a rule leaves it; its row is what `rowsOf` gives. */
const command = (account, name) => stack.sql(`INSERT INTO wa_outbox (account_id, workspace_id,
  state_version, kind, name, payload, created_at, available_at, expires_at) VALUES (${account.id},
  ${account.workspace_id}, ${account.state_version}, 'command', '${name}', '${JSON.stringify({
    workspace_id: account.workspace_id, account_id: account.id, session_id: account.session_id })}',
  UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) + INTERVAL 900 SECOND)`);

/** So many accounts more, each with a command that waits. */
const crowd = ({ user, workspace }, count) => stack.sql(`INSERT INTO whatsapp_accounts (uuid, workspace_id, session_id,
    created_by) SELECT UUID(), ${workspace}, CONCAT('webjs_${workspace}_1763000000_', seq), ${user}
    FROM seq_1_to_${count};
  INSERT INTO wa_outbox (account_id, workspace_id, state_version, kind, name, payload, created_at, available_at,
    expires_at) SELECT id, workspace_id, 0, 'command', 'connect', JSON_OBJECT('workspace_id', workspace_id,
    'account_id', id, 'session_id', session_id), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6)
    + INTERVAL 900 SECOND FROM whatsapp_accounts WHERE session_id LIKE 'webjs\\_${workspace}\\_1763000000\\_%'`);

const act = async (who, account, what) => {
  const answer = await who.call(what === 'delete' ? 'DELETE' : 'POST', `/${account.uuid}${what === 'delete' ? ''
    : `/${what}`}`);
  assert.equal(answer.status, 200, answer.text);
};
const create = async (who) => (await stack.state(isDone(await who.call('POST', '', { json: {
  phone_number: phone(), provider_type: 'webjs' } }), 'Account created successfully', 201).data.id)).account;
/** An account that was connected once, and whose session the instance knows unless `known` is false. */
async function paired(who, { known = true, ...columns } = {}) {
  const account = await who.account({ phone_number: phone(), last_connected_at: utc(-7200), ...columns });
  if (known) {
    nodeOf(account).sessions.set(account.session_id, { workspace_id: account.workspace_id, account_id: account.id,
      status: 'disconnected' });
  }
  return account;
}
const asked = (account, node = nodeOf(account)) => node.about(account).map((request) => request.command);
/** What it does at the nth request of one command about an account; else what is usual. */
const atFirst = (account, name, what, node = nodeOf(account)) => node.behave((request) =>
  (request.session === account.session_id && request.command === name && node.about(account, name).length === 1
    ? what(request) : undefined));
const told = (account) => pusher.requests.filter(({ data }) => data.uuid === account.uuid).map(({ data }) => data);

describe('the request', () => {
  const isRequest = (request, method, path, account, members) => {
    const node = nodeOf(account);
    assert.equal(request.method, method);
    assert.equal(request.url, path);
    assert.equal(request.headers['x-api-key'], node.key);
    assert.equal(request.headers['content-type'], 'application/json');
    assert.equal(request.headers.expect, undefined);
    assert.equal(request.headers.host, new URL(node.url).host);
    assert.deepEqual(request.json, { ...members, workspace_id: account.workspace_id, api_key: node.key });
    assert.equal(request.status, 200);
  };
  const isDelivered = async (account, name) => {
    const rows = await settledCommands(account);
    assert.deepEqual(rows.map((row) => [row.name, row.state, row.last_error]), [[name, 'delivered', null]]);
    isAboutNow(rows[0].settled_at);
  };

  for (const i of [0, 1]) {
    test(`connect, when an account is added, goes to instance ${i + 1} of its workspace`, async () => {
      const who = await someone(i);
      const account = await create(who);
      await isDelivered(account, 'connect');
      assert.equal(nodes[1 - i].requests.length, 0);
      assert.equal(nodes[i].requests.length, 1);
      isRequest(nodes[i].requests[0], 'POST', '/api/sessions', account,
        { account_id: account.id, session_id: account.session_id });
      assert.equal((await stack.state(account.id)).account.assigned_instance_url, nodes[i].url);
    });
  }

  test('disconnect', async () => {
    const who = await someone();
    const account = await paired(who, { connection_status: 'connected' });
    await act(who, account, 'disconnect');
    await isDelivered(account, 'disconnect');
    const { requests: [request, ...others] } = nodeOf(account);
    assert.deepEqual(others, []);
    isRequest(request, 'DELETE', `/api/sessions/${account.session_id}`, account, {});
    assert.equal(nodeOf(account).sessions.has(account.session_id), false);
  });

  for (const name of ['reconnect', 'regenerate-qr']) {
    test(name, async () => {
      const who = await someone();
      const account = await paired(who);
      await act(who, account, name);
      await isDelivered(account, name);
      const { requests: [request, ...others] } = nodeOf(account);
      assert.deepEqual(others, []);
      isRequest(request, 'POST', `/api/sessions/${account.session_id}/${name}`, account, { account_id: account.id });
    });
  }

  test('reconnect of an account that never connected is a connect', async () => {
    const who = await someone();
    const account = await who.account();
    await act(who, account, 'reconnect');
    await isDelivered(account, 'connect');
    assert.deepEqual(asked(account), ['connect']);
  });

  test('of a session with a strange name names that session and no other', async () => {
    const who = await someone();
    for (const session_id of ['a/b?c#d', '..', 'a b', 'schön', '%2e%2e%2f', 'x/../../other']) {
      const account = await paired(who, { session_id: `${session_id}-${Math.random()}` });
      await act(who, account, 'reconnect');
      await settledCommands(account);
      assert.deepEqual(asked(account), ['reconnect'], account.session_id);
    }
    assert.ok(nodes.every(({ requests }) => requests.every((request) => request.command !== null)));
  });

  test('takes its key from LARAVEL_API_TOKEN where there is no other', async () => {
    await withSettings(stack, { WHATSAPP_NODE_API_KEY: null, LARAVEL_API_TOKEN: nodes[0].key }, async () => {
      const who = await someone();
      const account = await paired(who);
      await act(who, account, 'reconnect');
      await isDelivered(account, 'reconnect');
    });
  });

  test('says no key to the log', async () => {
    const who = await someone();
    await settledCommands(await create(who));
    assert.ok(!stack.log().includes(nodes[0].key));
  });
});

describe('the instance', () => {
  test('is the one that has the session', async () => {
    for (const i of [0, 1]) {
      const who = await someone(i);
      const account = await paired(who, { known: false, assigned_instance_url: nodes[1 - i].url });
      nodes[1 - i].sessions.set(account.session_id, { status: 'disconnected' });
      await act(who, account, 'reconnect');
      await settledCommands(account);
      assert.deepEqual(asked(account, nodes[1 - i]), ['reconnect']);
      assert.deepEqual(asked(account, nodes[i]), []);
    }
  });

  test('is one of the settings, whatever the row says, and the log tells of another', async () => {
    const who = await someone(0);
    const urls = [stranger.url, `${nodes[1].url}@127.0.0.1:${stranger.port}`, `${nodes[1].url}/../x`, 'file:///x', ''];
    for (const url of urls) {
      const from = stack.log().length;
      const account = await paired(who, { assigned_instance_url: url });
      await act(who, account, 'reconnect');
      await settledCommands(account);
      assert.deepEqual(asked(account, nodes[0]), ['reconnect'], url);
      assert.deepEqual(asked(account, nodes[1]), []);
      if (url !== '') assert.match(stack.log().slice(from), /assigned/);
    }
  });

  test('that does not know the session is told to start it, at once', async () => {
    for (const name of ['reconnect', 'regenerate-qr']) {
      const who = await someone();
      const account = await paired(who, { known: false });
      await act(who, account, name);
      const [row] = await settledCommands(account);
      assert.equal(row.state, 'delivered');
      assert.deepEqual(asked(account), [name, 'connect']);
      assert.deepEqual(nodeOf(account).requests.at(-1).json, { workspace_id: account.workspace_id,
        account_id: account.id, session_id: account.session_id, api_key: nodes[0].key });
      assert.equal((await stack.state(account.id)).account.assigned_instance_url, nodeOf(account).url);
    }
  });

  test('that does not know the session has nothing to end', async () => {
    const who = await someone();
    const account = await paired(who, { known: false, connection_status: 'connected' });
    await act(who, account, 'disconnect');
    const [row] = await settledCommands(account);
    assert.equal(row.state, 'delivered');
    assert.deepEqual(asked(account), ['disconnect']);
  });

  test('that hangs delays no other instance, and no event', async () => {
    const [hers, his] = [await someone(0), await someone(1)];
    nodes[0].behave(() => 'hang');
    const stuck = await Promise.all(Array.from({ length: 10 }, () => create(hers)));
    await nodes[0].received(4);
    await crowd(hers, 500);
    const account = await create(his);
    await settledCommands(account);
    isBroadcasted(await stack.signed('POST', `${BASE}/broadcast`, { event: 'account-status-changed',
      data: { account_id: stuck[0].uuid, workspace_id: stuck[0].workspace_id, status: 'connecting' } }));
    await until('the event is sent', () => told(stuck[0]).some((data) => data.connection_status === 'connecting'));
    for (const { id } of stuck) {
      assert.ok((await stack.state(id)).commands.every(({ state }) => ['waiting', 'sending'].includes(state)));
    }
    await stack.sql(`DELETE FROM wa_outbox WHERE kind = 'command' AND workspace_id = ${hers.workspace}`);
  });

  test('has WA_NODE_CONCURRENCY requests to do at one time', async () => {
    for (const WA_NODE_CONCURRENCY of [1, 3]) {
      await withSettings(stack, { WA_NODE_CONCURRENCY }, async () => {
        const who = await someone(0);
        nodes[0].forget();
        await whileHeld(nodes[0], async (release) => {
          const accounts = await Promise.all(Array.from({ length: 6 }, () => create(who)));
          await nodes[0].received(WA_NODE_CONCURRENCY);
          await pause(SOME_LOOKS_MS);
          assert.equal(nodes[0].open, WA_NODE_CONCURRENCY);
          release();
          for (const account of accounts) await settledCommands(account);
        });
        assert.equal(nodes[0].mostOpen, WA_NODE_CONCURRENCY);
        assert.equal(nodes[0].requests.length, 6);
      });
    }
  });
});

describe('a request without an answer', () => {
  /* What comes to a request about a workspace; several of them may be tried at one time. */
  const plans = new Map();
  const planned = (request) => plans.get(Number(request.json?.workspace_id ?? request.query.workspace_id))?.(request);

  /** A connect whose answer is lost, in this way; the instance has started the session, or not. */
  async function lost(fault, { started, status } = {}) {
    const who = await someone();
    const node = nodeOf({ workspace_id: who.workspace });
    for (const each of nodes) each.behave(planned);
    /* So that there is a connection which is kept, and used again. */
    await settledCommands(await create(who));
    plans.set(who.workspace, ({ command: name, session, json }) => {
      if (name === 'status' && status) return { status: 200, body: status };
      const earlier = node.requests.filter((request) => request.session === session).length - 1;
      if (name !== 'connect' || earlier > 0) return undefined;
      if (started) node.sessions.set(session, { ...json, status: started });
      return fault;
    });
    const account = await create(who);
    const [row] = await settledCommands(account);
    assert.equal(row.state, 'delivered');
    return { asked: asked(account), account: (await stack.state(account.id)).account, node };
  }

  /** The same; one that hangs does so for a time that is worth waiting for. */
  const lostSoon = (fault, options) => (fault !== 'hang' ? lost(fault, options)
    : withSettings(stack, { WA_NODE_TIMEOUT: TIMEOUT_S }, () => lost(fault, options)));

  for (const fault of ['hang', 'close', 'drop', 'garbage']) {
    test(`(${fault}) is not sent again when the session has started`, async () => {
      const result = await lostSoon(fault, { started: 'qr_scanning' });
      assert.deepEqual(result.asked, ['connect', 'status']);
      assert.equal(result.account.connection_status, 'disconnected', 'nothing is wrong');
      const { method, path, query, headers } = result.node.requests.at(-1);
      assert.equal(method, 'GET');
      assert.equal(path, `/api/sessions/${result.account.session_id}/status`);
      assert.deepEqual(query, { workspace_id: String(result.account.workspace_id), api_key: nodes[0].key });
      assert.equal(headers['x-api-key'], nodes[0].key);
    });
    test(`(${fault}) is sent again when there is no session`, async () => {
      assert.deepEqual((await lostSoon(fault)).asked, ['connect', 'status', 'connect']);
    });
  }

  test('is sent again when the status is a word for a session that has ended', async () => {
    const words = ['disconnected', 'failed', 'error', 'not_found', 'closed', 'destroyed'];
    const bodies = [{ data: { status: 'failed' } }, { session: { status: 'disconnected' } }];
    const tries = [...words.map((started) => ({ started })), ...bodies.map((status) => ({ status }))];
    const results = await Promise.all(tries.map((each) => lost('close', each)));
    for (const [i, result] of results.entries()) {
      assert.deepEqual(result.asked, ['connect', 'status', 'connect'], JSON.stringify(tries[i]));
    }
  });
  test('is not sent again when the status says nothing bad', async () => {
    const bodies = [{ status: 'connected' }, { data: { status: 'qr_scanning' } }, { success: true }];
    const results = await Promise.all(bodies.map((status) => lost('close', { status })));
    for (const [i, result] of results.entries()) {
      assert.deepEqual(result.asked, ['connect', 'status'], JSON.stringify(bodies[i]));
    }
  });

  test('brings the QR code that the status tells', async () => {
    const { account } = await lost('close', { status: { status: 'qr_scanning', qr_code: 'of the status' } });
    const now = await until('it is stored', async () => {
      const state = await stack.state(account.id);
      return state.account.qr_code !== null && state.account;
    });
    assert.equal(now.qr_code, 'of the status');
  });

  test('and without a relay, which was killed, is asked about by the next one', async () => {
    const who = await someone();
    const node = nodes[who.workspace % 2];
    node.behave(({ command: name, session, json }) => {
      if (name !== 'connect') return undefined;
      node.sessions.set(session, { ...json, status: 'qr_scanning' });
      return 'hang';
    });
    const account = await create(who);
    await node.received(1);
    process.kill(relayOf(stack), 'SIGKILL');
    const [row] = await settledCommands(account);
    assert.equal(row.state, 'delivered');
    assert.deepEqual(asked(account), ['connect', 'status']);
  });

  test('that was never sent is simply sent when the instance is back', async () => {
    const who = await someone();
    const node = nodes[who.workspace % 2];
    await node.stop();
    const account = await create(who);
    await failed(account);
    const [row] = await rowsOf(account);
    assert.match(row.last_error, /connect/i);
    assert.equal(row.attempts, '0');
    await node.start();
    await settledCommands(account);
    assert.deepEqual(asked(account), ['connect']);
  });
});

describe('a QR code in an answer', () => {
  const bodies = {
    'beside success': { qr_code: 'QR 1', expires_in: 60 },
    'in data': { data: { qr_code: 'QR 2' } },
  };
  for (const [where, body] of Object.entries(bodies)) {
    for (const name of ['connect', 'reconnect', 'regenerate-qr']) {
      test(`${where} of ${name} is stored and told as if it had been reported`, async () => {
        const who = await someone();
        nodes[who.workspace % 2].adds(() => body);
        const account = name === 'connect' ? await create(who) : await paired(who);
        if (name !== 'connect') await act(who, account, name);
        const { account: now } = await until('the code is stored', async () => {
          const state = await stack.state(account.id);
          return state.account.qr_code !== null && state;
        });
        const { qr_code, expires_in = 300 } = body.data ?? body;
        assert.equal(now.qr_code, qr_code);
        assert.equal(now.connection_status, 'connecting');
        assert.ok(Math.abs(secondsBetween(utc(expires_in), now.qr_expires_at)) < 60);
        assert.notEqual(now.connect_deadline_at, null);
        await until('the page is told', () => told(account).some((data) => data.qr_code_base64 === qr_code
          && data.state_version === now.state_version));
        assert.equal((await settledCommands(account))[0].state, 'delivered');
      });
    }
  }

  test('that is none changes nothing', async () => {
    const who = await someone();
    for (const qr_code of [null, '', 5, false, { image: 'x' }, 'Q'.repeat(70_000)]) {
      nodes[who.workspace % 2].adds(() => ({ qr_code }));
      const account = await create(who);
      const [row] = await settledCommands(account);
      assert.equal(row.state, 'delivered', JSON.stringify(qr_code)?.slice(0, 50));
      assert.equal((await stack.state(account.id)).account.qr_code, null);
    }
  });
});

describe('what is given up', () => {
  const refusal = { status: 422, body: { success: false, message: 'No browser is left' } };

  for (const name of ['connect', 'reconnect', 'regenerate-qr']) {
    test(`(${name}) leaves the account in error, with the reason, and pages are told`, async () => {
      const who = await someone();
      nodes[who.workspace % 2].behave(() => refusal);
      const account = name === 'connect' ? await create(who)
        : await paired(who, { metadata: '{"recent_failures":2,"battery":3}' });
      if (name !== 'connect') await act(who, account, name);
      const [row] = await settledCommands(account);
      assert.equal(row.state, 'given_up');
      assert.equal(row.last_error, `HTTP 422: ${JSON.stringify(refusal.body)}`);
      assert.deepEqual(asked(account), [name], 'asked once');
      const { account: now, metadata } = await stack.state(account.id);
      assert.equal(now.connection_status, 'error');
      assert.equal(metadata.last_error, row.last_error);
      assert.equal(metadata.recent_failures, name === 'connect' ? 1 : 3);
      assert.equal(metadata.battery, name === 'connect' ? undefined : 3);
      const data = await until('the page is told', () => told(account).find(({ status }) => status === 'failed'));
      assert.equal(data.connection_status, 'error');
      assert.equal(data.state_version, now.state_version);
      assert.equal(await breaker(nodeOf(account)), 0, 'that is no fault of the instance\'s');
      const series = await metrics(stack);
      assert.ok(series['wa_outbox_settled_total{kind="command",result="given_up"}'] > 0);
    });
  }

  test('(disconnect) leaves the account as it is', async () => {
    const who = await someone();
    const account = await paired(who, { connection_status: 'connected' });
    nodeOf(account).behave(() => refusal);
    await act(who, account, 'disconnect');
    const earlier = await stack.state(account.id);
    const [row] = await settledCommands(account);
    assert.equal(row.state, 'given_up');
    await settled();
    const now = await stack.state(account.id);
    assert.deepEqual(now.account, earlier.account);
    assert.equal(now.events.length, 1);
  });

  test('failed WA_OUTBOX_ATTEMPTS times before', async () => {
    await withSettings(stack, { WA_OUTBOX_ATTEMPTS: 3 }, async () => {
      const who = await someone();
      const account = await paired(who);
      nodeOf(account).behave((request) => (request.command === 'status' ? undefined
        : { status: 500, body: 'Error: Protocol error (Target.createTarget)\n at browser' }));
      await act(who, account, 'reconnect');
      const [row] = await settledCommands(account);
      assert.equal(row.state, 'given_up');
      assert.equal(row.attempts, '3');
      assert.match(row.last_error, /^HTTP 500: Error: Protocol error/);
      assert.equal(asked(account).filter((name) => name === 'reconnect').length, 3);
      assert.equal((await stack.state(account.id)).account.connection_status, 'error');
      nodeOf(account).behave(undefined);
    });
  });

  test('has waited fifteen minutes', async () => {
    const who = await someone();
    const node = nodes[who.workspace % 2];
    await node.stop();
    const [account, other] = [await create(who), await paired(who, { connection_status: 'connected' })];
    await act(who, other, 'disconnect');
    const earlier = (await stack.state(other.id)).account;
    await stack.sql(`UPDATE wa_outbox SET expires_at = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND
      WHERE kind = 'command' AND account_id IN (${account.id}, ${other.id})`);
    const [row] = await settledCommands(account);
    assert.equal(row.state, 'given_up');
    assert.match(row.last_error, /15 minutes/);
    const state = await stack.state(account.id);
    assert.equal(state.account.connection_status, 'error');
    assert.match(state.metadata.last_error, /15 minutes/);
    const [second] = await settledCommands(other);
    assert.equal(second.state, 'given_up');
    assert.deepEqual((await stack.state(other.id)).account, earlier);
    await node.start();
    await settled();
    assert.deepEqual(node.requests, []);
  });

  test('does not touch an account that has connected meanwhile, or that is deleted', async () => {
    for (const change of ['connection_status = \'connected\'', 'deleted_at = UTC_TIMESTAMP()']) {
      const who = await someone();
      const account = await paired(who);
      let release;
      nodeOf(account).behave(() => new Promise((resolve) => (release = resolve)));
      await act(who, account, 'reconnect');
      await until('it is under way', () => release);
      await stack.sql(`UPDATE whatsapp_accounts SET ${change} WHERE id = ${account.id}`);
      const earlier = await stack.state(account.id);
      nodeOf(account).behave(undefined);
      release(refusal);
      const [row] = await settledCommands(account);
      assert.equal(row.state, 'given_up');
      await settled();
      const now = await stack.state(account.id);
      assert.deepEqual(now.account, earlier.account);
      assert.equal(now.events.length, earlier.events.length);
    }
  });
});

describe('commands of one account', () => {
  test('are under way one at a time', async () => {
    const who = await someone();
    const account = await paired(who);
    const node = nodeOf(account);
    let release;
    atFirst(account, 'reconnect', () => new Promise((resolve) => (release = resolve)));
    await act(who, account, 'reconnect');
    await until('it is under way', () => release);
    await act(who, account, 'disconnect');
    assert.deepEqual((await rowsOf(account)).map(({ state }) => state), ['sending', 'waiting']);
    await act(who, account, 'regenerate-qr');
    await act(who, account, 'disconnect');
    const states = (await rowsOf(account)).map(({ state }) => state);
    assert.deepEqual(states.filter((state) => state !== 'replaced'), ['sending', 'waiting']);
    assert.equal(node.mostOpen, 1);
    release({ after: 50 });
    await settledCommands(account);
    assert.deepEqual(asked(account), ['reconnect', 'disconnect']);
    assert.equal(node.mostOpen, 1);
    assert.equal(node.sessions.has(account.session_id), false);
  });

  test('that failed give way to a newer one', async () => {
    const who = await someone();
    const account = await paired(who);
    const node = nodeOf(account);
    node.behave(({ command: name }) => (name === 'reconnect' ? { status: 500, body: 'not now' } : undefined));
    await act(who, account, 'reconnect');
    await failed(account);
    await act(who, account, 'disconnect');
    const rows = await settledCommands(account);
    assert.deepEqual(rows.map(({ name, state }) => [name, state]), [['reconnect', 'replaced'],
      ['disconnect', 'delivered']]);
    assert.equal(asked(account).at(-1), 'disconnect');
  });

  test('that would start a deleted account\'s session are not sent, but its disconnect is', async () => {
    const who = await someone();
    const node = nodes[who.workspace % 2];
    await node.stop();
    const account = await create(who);
    await act(who, account, 'delete');
    await node.start();
    const rows = await settledCommands(account);
    assert.equal(rows.at(-1).name, 'disconnect');
    assert.equal(rows.at(-1).state, 'delivered');
    assert.ok(rows.slice(0, -1).every(({ state }) => ['replaced', 'cancelled'].includes(state)));
    assert.deepEqual(asked(account), ['disconnect']);
  });

  for (const name of COMMANDS) {
    const goes = name === 'disconnect';
    test(`that nobody wants any more: ${name} is ${goes ? 'sent all the same' : 'cancelled'}`, async () => {
      const changes = {
        deleted: 'UPDATE whatsapp_accounts SET deleted_at = UTC_TIMESTAMP()',
        connected: 'UPDATE whatsapp_accounts SET connection_status = \'connected\'',
        gone: 'DELETE FROM whatsapp_accounts',
      };
      for (const [what, change] of Object.entries(changes)) {
        const who = await someone();
        const account = await paired(who);
        const node = nodeOf(account);
        await node.stop();
        await command(account, name);
        await stack.sql(`${change} WHERE id = ${account.id}`);
        await node.start();
        const state = await until('it is settled', async () => {
          const [row] = await stack.sql(`SELECT state FROM wa_outbox WHERE account_id = ${account.id}`);
          return !['waiting', 'sending'].includes(row.state) && row.state;
        });
        assert.equal(state, goes ? 'delivered' : 'cancelled', what);
        assert.deepEqual(asked(account), goes ? ['disconnect'] : [], what);
      }
    });
  }
});

describe('an instance that', () => {
  /** It gives this answer to all, and then its usual ones: nothing is lost by that, and it was asked rarely. */
  async function refusing(answer, i) {
    const [who, node] = [await someone(i), nodes[i]];
    node.behave(() => answer);
    const accounts = [];
    for (let n = 0; n < 10; n++) accounts.push(await create(who));
    const ended = await paired(who, { connection_status: 'connected' });
    await act(who, ended, 'disconnect');
    await until('the breaker is open', async () => await breaker(node) === 2);
    await failed(accounts[0]);
    for (const account of [...accounts, ended]) {
      /* The one that is just tried counts until it is refused again. */
      const { account: now, commands: [row] } = await until('no attempt is counted', async () => {
        const state = await stack.state(account.id);
        return (state.commands[0].attempts === '0' || !OPEN.includes(state.commands[0].state)) && state;
      });
      assert.ok(OPEN.includes(row.state), row.state);
      assert.equal(now.connection_status, 'disconnected');
    }
    assert.match((await rowsOf(accounts[0]))[0].last_error, new RegExp(`HTTP ${answer.status}`));
    assert.ok(node.requests.length < 10, `asked ${node.requests.length} times`);
    return async () => {
      node.behave(undefined);
      for (const account of [...accounts, ended]) assert.equal((await settledCommands(account))[0].state, 'delivered');
      await until('the breaker is closed', async () => await breaker(node) === 0);
    };
  }

  test('answers 401 is asked rarely, rows stay until it is mended, and the other one is not touched', async () => {
    const mend = await refusing({ status: 401, body: { error: 'Unauthorized' } }, 0);
    assert.equal(await breaker(nodes[1]), 0);
    assert.equal((await settledCommands(await create(await someone(1))))[0].state, 'delivered');
    await mend();
  });

  test('answers with a redirect, or is not the service at all, is asked rarely too, and nobody instead', async () => {
    const mends = await Promise.all([
      refusing({ status: 302, headers: { Location: `${stranger.url}/api/sessions` } }, 0),
      refusing({ status: 404, headers: { 'Content-Type': 'text/html' }, body: '<h1>404 Not Found</h1>' }, 1),
    ]);
    await Promise.all(mends.map((mend) => mend()));
  });

  test('refuses connections has an open breaker until it is back', async () => {
    const who = await someone();
    const node = nodes[who.workspace % 2];
    await node.stop();
    const accounts = [];
    for (let i = 0; i < 5; i++) accounts.push(await create(who));
    await until('the breaker is open', async () => await breaker(node) === 2);
    await node.start();
    for (const account of accounts) assert.equal((await settledCommands(account))[0].state, 'delivered');
    await until('the breaker is closed', async () => await breaker(node) === 0);
    assert.equal(node.requests.length, 5);
  });

  for (const fault of ['garbage', { status: 500 }, { status: 503 }, { status: 429, headers: { 'Retry-After': '1' } }]) {
    test(`fails once (${JSON.stringify(fault)}) gets the command again`, async () => {
      const who = await someone();
      const account = await paired(who);
      atFirst(account, 'regenerate-qr', () => fault);
      await act(who, account, 'regenerate-qr');
      assert.equal((await settledCommands(account))[0].state, 'delivered');
      sameKeys((await stack.state(account.id)).metadata ?? {}, []);
    });
  }
});

describe('what an answer means when a person has changed their mind meanwhile', () => {
  /** A connect that is under way, while the person disconnects; then it is answered. */
  async function overtaken(answer) {
    const who = await someone(0);
    let release;
    const gate = new Promise((resolve) => (release = resolve));
    nodes[0].behave((request) => (request.command === 'connect' ? gate.then(() => answer) : undefined));
    const account = await create(who);
    await act(who, account, 'reconnect');
    await until('the connect is under way', () => asked(account).length === 1);
    await act(who, account, 'disconnect');
    const earlier = (await stack.state(account.id)).account;
    release();
    await settledCommands(account);
    const { account: now, metadata, commands } = await stack.state(account.id);
    return { earlier, now, metadata, commands, account };
  }

  test('a refused connect does not put an account in error that is to be disconnected', async () => {
    const { earlier, now, metadata, commands, account } = await overtaken({ status: 422, body: { error: 'No' } });
    assert.deepEqual(now, earlier);
    assert.equal(metadata?.recent_failures, undefined);
    assert.deepEqual(commands.map(({ name, state }) => [name, state]).slice(-2),
      [['connect', 'replaced'], ['disconnect', 'delivered']]);
    assert.deepEqual(asked(account), ['connect', 'disconnect']);
  });

  test('a QR code is not shown for an account that is to be disconnected', async () => {
    const { earlier, now } = await overtaken({ status: 200, body: { success: true, qr_code: 'data:image/png;base64,AAAA' } });
    assert.equal(now.connection_status, 'disconnected');
    assert.equal(now.qr_code, null);
    assert.equal(now.state_version, earlier.state_version);
  });
});

test('deleting an account ends its session at the instance that has it', async () => {
  const who = await someone(0);
  const account = await paired(who, { connection_status: 'connected', assigned_instance_url: nodes[1].url, known: false });
  nodes[1].sessions.set(account.session_id, { workspace_id: account.workspace_id, account_id: account.id, status: 'connected' });
  await act(who, account, 'delete');
  await settledCommands(account);
  assert.deepEqual(asked(account, nodes[1]), ['disconnect']);
  assert.deepEqual(asked(account, nodes[0]), []);
  assert.equal(nodes[1].sessions.size, 0);
});

test('an instance that repeats what it was sent does not make the API key known', async () => {
  const key = nodes[0].key;
  for (const [i, body] of [
    `{"error":"${'x'.repeat(190)}","api_key":"${key}"}`, `{"api_key":"${key}"}`,
    { sent: { api_key: key } }, `/api/sessions/x/status?api_key=${encodeURIComponent(key)}`,
  ].entries()) {
    const who = await someone(0);
    nodes[0].behave(() => ({ status: 422, body }));
    const account = await create(who);
    const [row] = await settledCommands(account);
    const shown = await who.call('GET', `/${account.uuid}`);
    for (const text of [row.last_error, shown.text, stack.log()]) {
      for (let part = 8; part <= key.length; part += 8) {
        assert.ok(!text.includes(key.slice(0, part)), `${i}: ${text.slice(-300)}`);
      }
    }
    nodes[0].behave(undefined);
  }
});

test('a command that is asked for once more is as young as the last wish', async () => {
  const who = await someone(0);
  await nodes[0].stop();
  const account = await paired(who, { known: false });
  await act(who, account, 'reconnect');
  await failed(account);
  await stack.sql(`UPDATE wa_outbox SET expires_at = UTC_TIMESTAMP(6) + INTERVAL 1 SECOND, attempts = 5
    WHERE account_id = ${account.id} AND kind = 'command'`);
  await act(who, account, 'reconnect');
  const [row, ...others] = await rowsOf(account);
  assert.deepEqual(others, []);
  assert.ok(await stack.value(`SELECT TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(6), expires_at) FROM wa_outbox
    WHERE id = ${row.id}`) > 800);
  await nodes[0].start();
  await settledCommands(account);
  assert.deepEqual(asked(account).slice(0, 2), ['reconnect', 'connect']);
});
