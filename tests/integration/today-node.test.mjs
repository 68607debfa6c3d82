// A day of the Node.js service as it is deployed today, behind the pool: it starts, pairs, is restarted, loses the
// database and phones. No report of it is lost, and no number ends in a wrong state.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { isDone, isOk } from './lib/browser-expect.mjs';
import { connected, phone, utc } from './lib/fixtures.mjs';
import { logIn } from './lib/login.mjs';
import { instances } from './lib/node-service.mjs';
import { freeze, thaw } from './lib/observe.mjs';
import { pause, until } from './lib/processes.mjs';
import { allSettled } from './lib/outbox.mjs';
import { startStack } from './lib/stack.mjs';
import { startTodayNode } from './lib/today-node.mjs';

const SETTINGS = { WA_RELAY: 'on', WA_RELAY_POLL: 100, WA_NODE_API_KEY_IN: 'on', WA_REQUIRE_PHONE: 'off',
  WA_MAX_ACCOUNTS: 1000 };

let stack, service, ana;
before(async () => {
  service = await startTodayNode({ scale: 0.1, expiresIn: 30 });
  stack = await startStack({ env: { ...SETTINGS, ...service.env() } });
  service.reportTo(stack);
  ana = await logIn(stack);
});
after(async () => {
  await stack?.stop();
  await service?.stop();
});
afterEach(async () => {
  await service.silent();
  assert.deepEqual(service.lost(), [], 'no report is lost');
});

/** What the page posts, and what it takes of the answer. */
async function create(who = ana) {
  const { account } = isDone(await who.call('POST', '', { json: { provider_type: 'webjs' } }),
    'Account created successfully', 201);
  return account;
}
const show = async ({ uuid }, who = ana) => isOk(await who.call('GET', `/${uuid}`)).data;
const press = async (account, what, who = ana) => {
  const answer = await who.call('POST', `/${account.uuid}/${what}`);
  assert.equal(answer.status, 200, answer.text);
};
const showsCode = (account, who = ana) => until('the page shows a QR code', async () => (await show(account,
  who)).qr_code);
const becomes = (account, status, who = ana) => until(`the account is ${status}`, async () => {
  const now = await show(account, who);
  return now.connection_status === status && now;
});
/** Scanned, and all that was told about it has arrived. */
async function pair(account, number = phone(), { who = ana, node = service } = {}) {
  await showsCode(account, who);
  await node.scan(account.session_id, number);
  await node.silent();
  return show(account, who);
}
/** The service ends where it stands, and starts anew with what lies on its disk. */
async function restart(old = service, options = {}) {
  const { port, key, linked } = old;
  await old.stop();
  const anew = await startTodayNode({ port, key, linked, scale: 0.1, expiresIn: 30, ...options });
  anew.reportTo(stack);
  if (old === service) service = anew;
  return anew;
}
const eventsOf = async ({ id }) => (await stack.state(id)).events.map(({ name, payload }) => [name, payload.status]);

describe('a pairing', () => {
  test('ends with a number that is connected, and primary if it is the first', async () => {
    const who = await logIn(stack);
    const account = await create(who);
    assert.deepEqual([account.status, account.session_id.startsWith('webjs_')], ['disconnected', true]);
    const number = phone();
    const now = await pair(account, number, { who });
    assert.deepEqual([now.connection_status, now.status, now.phone_number, now.is_primary, now.qr_code],
      ['connected', 'connected', number, true, null]);
    const { metadata } = await stack.state(account.id);
    assert.deepEqual([metadata.platform, metadata.extraction_method], ['android', 'client.info']);
    assert.deepEqual(await eventsOf(account), [['qr-code-generated', undefined],
      ['account-status-changed', 'connected'], ['account-status-changed', 'connected']]);
    const second = await pair(await create(who), phone(), { who });
    assert.deepEqual([second.connection_status, second.is_primary], ['connected', false]);
  });

  test('of two people at once, in one workspace and in two, is each their own', async () => {
    const bob = await logIn(stack);
    const people = [ana, ana, bob, bob];
    const made = await Promise.all(people.map((who) => create(who)));
    const numbers = made.map(() => phone());
    const after = await Promise.all(made.map((account, i) => pair(account, numbers[i], { who: people[i] })));
    after.forEach((now, i) => assert.deepEqual([now.id, now.connection_status, now.phone_number, now.session_id],
      [made[i].id, 'connected', numbers[i], made[i].session_id]));
    for (const who of [ana, bob]) {
      const { accounts } = isOk(await who.call('GET'));
      assert.equal(accounts.filter(({ is_primary }) => is_primary).length, 1);
    }
  });

  test('that a phone does not come to is begun anew by the person', async () => {
    const account = await create();
    const first = await showsCode(account);
    await press(account, 'regenerate-qr');
    await until('there is another code', async () => {
      const { qr_code } = await show(account);
      return qr_code && qr_code !== first;
    });
    assert.equal((await pair(account)).connection_status, 'connected');
  });

  test('that fails in the service is an error, with its words, and can be begun anew', async () => {
    const account = await create();
    await showsCode(account);
    await service.fail(account.session_id, 'The page has crashed.');
    const failed = await becomes(account, 'error');
    assert.equal(failed.metadata.message, 'The page has crashed.');
    await press(account, 'reconnect');
    assert.equal((await pair(account)).connection_status, 'connected');
  });
});

describe('a phone that is unlinked', () => {
  test('leaves a number that is disconnected, and can be paired again', async () => {
    const account = await create();
    const number = phone();
    await pair(account, number);
    await service.unlink(account.session_id);
    const now = await becomes(account, 'disconnected');
    assert.deepEqual([now.phone_number, now.metadata.last_disconnect_reason], [number, 'LOGOUT']);
    await press(account, 'reconnect');
    assert.equal((await pair(account, number)).phone_number, number);
  });

  test('comes back as the account that it was, when it is added as a new one', async () => {
    const known = await create();
    const number = phone();
    await pair(known, number);
    await service.unlink(known.session_id);
    await becomes(known, 'disconnected');
    const added = await create();
    await showsCode(added);
    await service.scan(added.session_id, number);
    const now = await becomes(known, 'connected');
    await service.silent();
    assert.deepEqual([now.phone_number, now.session_id], [number, added.session_id]);
    assert.equal((await ana.call('GET', `/${added.uuid}`)).status, 404);
    /* What is wanted of it from now on is wanted of the session that runs. */
    await press(known, 'disconnect');
    await until('the session has ended', () => !service.sessions.has(added.session_id));
    await allSettled(stack);
  });

  test('while another of its workspace is paired, does not take that with it', async () => {
    const [one, other] = [await create(), await create()];
    await pair(one);
    await showsCode(other);
    await Promise.all([service.unlink(one.session_id), service.scan(other.session_id, phone())]);
    await service.silent();
    assert.deepEqual([(await show(one)).connection_status, (await show(other)).connection_status],
      ['disconnected', 'connected']);
  });
});

describe('after a start', () => {
  test('the sessions that were connected are so again, those without a device are told to be gone', async () => {
    const kept = await pair(await create());
    const forgotten = await pair(await create());
    const asleep = await pair(await create());
    await service.unlink(asleep.session_id);
    await becomes(asleep, 'disconnected');
    service.linked.delete(forgotten.session_id);
    await restart();
    assert.equal((await service.restore()).status, 200);
    await until('its sessions run', () => service.sessions.get(kept.session_id)?.phone_number === kept.phone_number);
    await service.silent();
    assert.deepEqual([service.sessions.has(forgotten.session_id), service.sessions.has(asleep.session_id)], [false,
      false]);
    const now = await show(forgotten);
    assert.deepEqual([now.connection_status, now.metadata.last_disconnect_reason],
      ['disconnected', 'Session could not be restored']);
    assert.equal((await show(kept)).connection_status, 'connected');
    assert.equal((await show(asleep)).connection_status, 'disconnected');
    const marks = service.told.filter(({ path }) => path.endsWith('/mark-disconnected'));
    assert.ok(marks.every(({ answers }) => answers.at(-1) === 200));
  });

  test('a number whose state the pool has not changed meanwhile is told of once', async () => {
    const account = await pair(await create());
    const { events } = await stack.state(account.id);
    await restart();
    await service.restore();
    await until('it runs', () => service.sessions.get(account.session_id)?.phone_number);
    await service.silent();
    assert.equal((await stack.state(account.id)).events.length, events.length, 'nobody has to hear of it');
  });

  test('with a key that is not let in there is nothing to restore, and nothing is changed', async () => {
    const account = await pair(await create());
    const before = (await stack.state(account.id)).account;
    const other = await startTodayNode({ key: 'f6a1c07e9b52d8431e7d09c4b8a3625f' });
    try {
      other.reportTo(stack);
      assert.equal((await other.restore()).status, 401);
      assert.equal(other.sessions.size, 0);
    } finally {
      await other.stop();
    }
    assert.deepEqual((await stack.state(account.id)).account, before);
  });
});

describe('a restart in the middle of a pairing', () => {
  test('while a code is shown: the person asks for another one, and it is the account\'s', async () => {
    const account = await create();
    const first = await showsCode(account);
    await restart();
    await service.restore();
    assert.equal(service.sessions.has(account.session_id), false, 'it was not connected');
    assert.equal((await show(account)).qr_code, first, 'nobody knows better yet');
    await press(account, 'regenerate-qr');
    const number = phone();
    assert.equal((await pair(account, number)).phone_number, number);
  });

  test('after a phone has scanned, before it is told: what the person does next connects it', async () => {
    const account = await create();
    await showsCode(account);
    /* The device lies on the disk, and nobody was told. */
    const number = phone();
    service.linked.set(account.session_id, number);
    await restart();
    await service.restore();
    assert.equal((await show(account)).connection_status, 'connecting');
    await press(account, 'reconnect');
    const now = await becomes(account, 'connected');
    await service.silent();
    assert.equal((await show(account)).phone_number, number, JSON.stringify(now));
  });

  test('nobody does anything: it is an error when its time is over, and a number that was known is disconnected',
    async () => {
    const added = await create();
    const known = await pair(await create());
    await service.unlink(known.session_id);
    await becomes(known, 'disconnected');
    await press(known, 'reconnect');
    for (const account of [added, known]) await showsCode(account);
    await restart();
    await service.restore();
    await stack.sql(`UPDATE whatsapp_accounts SET connect_deadline_at = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND
      WHERE id IN (${added.id}, ${known.id})`);
    await becomes(added, 'error');
    const now = await becomes(known, 'disconnected');
    assert.equal(now.status, 'disconnected');
    await allSettled(stack);
  });
});

describe('two instances', () => {
  let nodes, both;
  before(async () => {
    const first = await startTodayNode({ scale: 0.1, expiresIn: 30 });
    nodes = [first, await startTodayNode({ key: first.key, scale: 0.1, expiresIn: 30 })];
    both = await startStack({ env: { ...SETTINGS, ...instances(...nodes) } });
    for (const node of nodes) node.reportTo(both);
  });
  after(async () => {
    await both?.stop();
    for (const node of nodes ?? []) await node.stop();
  });

  const nodeOf = ({ workspace }) => nodes[workspace % 2];
  async function someone(i) {
    for (;;) {
      const who = await logIn(both);
      if (who.workspace % 2 === i) return who;
    }
  }
  async function again() {
    for (const i of [0, 1]) {
      const { port, key, linked } = nodes[i];
      await nodes[i].stop();
      nodes[i] = await startTodayNode({ port, key, linked, scale: 0.1, expiresIn: 30 });
      nodes[i].reportTo(both);
    }
    await Promise.all(nodes.map((node) => node.restore()));
  }

  test('each have their own numbers, also after a start of both', async () => {
    const people = [await someone(0), await someone(1)];
    const accounts = await Promise.all(people.map(async (who) => pair(await create(who), phone(), { who,
      node: nodeOf(who) })));
    await again();
    for (const [i, who] of people.entries()) {
      const { session_id } = accounts[i];
      await until('its session runs', () => nodeOf(who).sessions.get(session_id)?.phone_number);
      assert.equal(nodes[1 - who.workspace % 2].sessions.has(session_id), false, 'and not twice');
    }
    for (const node of nodes) {
      await node.silent();
      assert.deepEqual(node.lost(), []);
      assert.deepEqual(node.told.filter(({ path }) => path.endsWith('/mark-disconnected')), [],
        'nobody says of the other\'s that it is gone');
    }
    for (const [i, who] of people.entries()) {
      const now = await show(accounts[i], who);
      assert.deepEqual([now.connection_status, now.phone_number], ['connected', accounts[i].phone_number]);
    }
  });

  test('a number goes on where its new session is, and the former one ends where it was', async () => {
    const who = await someone(0);
    const number = phone();
    /* Paired long ago, when this workspace's sessions were with the other instance, and in trouble there. */
    const known = await who.account(connected({ connection_status: 'error', phone_number: number,
      assigned_instance_url: nodes[1].url, last_connected_at: utc(-86400) }));
    nodes[1].sessions.set(known.session_id, { workspace_id: who.workspace, account_id: known.id, status: 'failed' });
    const added = await create(who);
    await showsCode(added, who);
    await nodes[0].scan(added.session_id, number);
    const now = await becomes(known, 'connected', who);
    assert.equal(now.session_id, added.session_id);
    await until('the former session has ended', () => !nodes[1].sessions.has(known.session_id));
    await allSettled(both);
    assert.ok(nodes[0].sessions.has(added.session_id));
    await press(known, 'disconnect', who);
    await until('the new one ends when it is told to', () => !nodes[0].sessions.has(added.session_id));
    await allSettled(both);
  });
});

test('the database is away for five seconds: all that happens meanwhile is known afterwards', async (t) => {
  const node = await startTodayNode({ expiresIn: 60 });
  const own = await startStack({ server: 'own', env: { ...SETTINGS, ...node.env(), WA_WORKERS: 8 } });
  t.after(async () => {
    await own.stop();
    await node.stop();
  });
  node.reportTo(own);
  const who = await logIn(own);
  const [fresh, scanned, unlinked, quiet] = [await create(who), await create(who), await create(who),
    await create(who)];
  for (const account of [unlinked, quiet]) await pair(account, phone(), { who, node });
  for (const account of [fresh, scanned]) await showsCode(account, who);
  const before = (await own.state(quiet.id)).account;
  await node.silent();
  await allSettled(own);

  const number = phone();
  await freeze(own.server.pid);
  const happened = [node.scan(scanned.session_id, number), node.unlink(unlinked.session_id),
    node.fail(fresh.session_id, 'The page has crashed.')];
  await pause(5000);
  thaw(own.server.pid);
  await Promise.all(happened);
  await node.silent();

  assert.deepEqual(node.lost(), []);
  const late = node.told.filter(({ answers }) => answers.length > 1);
  assert.ok(late.length >= 4, 'each was told that it has to come again');
  assert.ok(late.every(({ answers }) => answers.slice(0, -1).every((answer) => answer === 429)));
  const [a, b, c] = [await show(scanned, who), await show(unlinked, who), await show(fresh, who)];
  assert.deepEqual([a.connection_status, a.phone_number], ['connected', number]);
  assert.deepEqual([b.connection_status, b.metadata.last_disconnect_reason], ['disconnected', 'LOGOUT']);
  assert.deepEqual([c.connection_status, c.metadata.message], ['error', 'The page has crashed.']);
  assert.deepEqual((await own.state(quiet.id)).account, before);
});
