// What goes wrong between the relay and a server of the Pusher protocol, and around the relay itself. Requests are
// answered at once all the while; nothing is lost, and each account's events stay in their order.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { BASE, isBroadcasted } from './lib/expect.mjs';
import { events, lives, metrics } from './lib/observe.mjs';
import { inParallel } from './lib/parallel.mjs';
import { pause, until } from './lib/processes.mjs';
import { startPusher } from './lib/pusher-server.mjs';
import { startStack } from './lib/stack.mjs';

/* An answer is due within 4 s; a request that waited for Pusher would take 5 s and more, and nginx not wait for it. */
const HANGS_MS = 5000;
const WORDS = ['connecting', 'error', 'disconnected'];

let stack, pusher, workspace_id;
before(async () => {
  pusher = await startPusher();
  stack = await startStack({ server: 'own', env: { WA_RELAY: 'on', WA_RELAY_POLL: 100, ...pusher.env() } });
  workspace_id = await stack.workspace();
});
after(async () => {
  await stack?.stop();
  await pusher?.end();
});
afterEach(async () => {
  pusher.behave(undefined);
  await pusher.stop();
  await pusher.start();
  await settled();
  await until('the breaker is closed', async () => {
    await say(await some());
    return await breaker() === 0;
  }, { every: 200, tries: 150 });
  await settled();
  pusher.forget();
});

const some = (columns) => stack.account({ workspace_id, ...columns });
const several = (count) => Promise.all(Array.from({ length: count }, () => some()));
const breaker = async () => (await metrics(stack))['wa_relay_breaker{peer="broadcast"}'];
const open = () => stack.sql('SELECT * FROM wa_outbox WHERE state IN (\'waiting\', \'sending\')');
const settled = () => until('everything is settled', async () => (await open()).length === 0);
const rowsOf = async (account) => (await stack.state(account.id)).events;

async function broadcast(event, account, data) {
  const began = performance.now();
  const answer = await stack.signed('POST', `${BASE}/broadcast`, { event, data: { account_id: account.uuid,
    workspace_id: account.workspace_id, ...data } });
  assert.ok(performance.now() - began < HANGS_MS, 'no request waits for Pusher');
  isBroadcasted(answer);
}
const report = (account, status) => broadcast('account-status-changed', account, { status });
const show = (account, qr_code, more) => broadcast('qr-code-generated', account, { qr_code, ...more });
/** One event about an account, as any report makes it. */
const say = (account) => report(account, 'error');
/** So many events of each account, each account's one after the other. */
const sayMuch = (accounts, count, first = 0) => inParallel(accounts, async (account) => {
  for (let i = first; i < first + count; i++) await report(account, WORDS[i % 3]);
});

const about = (account) => pusher.requests.filter(({ data }) => data?.uuid === account.uuid);
/** The versions that were accepted about an account, as they came. */
const accepted = (account) => about(account).filter(({ status }) => status === 200)
  .map(({ data }) => data.state_version);
const upTo = (count) => Array.from({ length: count }, (_, i) => i + 1);

/** Each version of each account was accepted once, in order, and its row says so. */
async function arrivedOnce(accounts, count) {
  await settled();
  for (const account of accounts) {
    assert.deepEqual(accepted(account), upTo(count));
    for (const { state } of await rowsOf(account)) assert.equal(state, 'delivered');
  }
  assert.deepEqual(pusher.requests.filter(({ wrong }) => wrong).map(({ wrong }) => wrong), []);
}

/**
 * Each version was accepted at least once, and none for the first time after a later one: what had been sent and
 * was not settled is sent again, in its order.
 */
async function arrived(accounts, count) {
  await settled();
  for (const account of accounts) {
    const versions = accepted(account);
    assert.deepEqual([...new Set(versions)], upTo(count));
    assert.equal(versions.at(-1), count, 'the last that is told is the newest');
  }
}

/** The relay's process, as the pool's log names it. */
const relay = () => Number(events(stack.log(), 'relay_started').at(-1).child);

describe('a server that', () => {
  const faults = {
    'hangs': 'hang',
    'closes the connection in the middle of its answer': 'close',
    'closes the connection in place of an answer': 'drop',
    'answers with what is not HTTP': 'garbage',
    'answers 500': { status: 500, body: 'Server Error' },
    'answers 502': { status: 502, headers: { 'Content-Type': 'text/html' }, body: '<html>Bad Gateway</html>' },
    'answers 503': { status: 503 },
    'answers 504': { status: 504 },
    'answers 429': { status: 429, headers: { 'Retry-After': '1' }, body: 'slow down' },
  };
  for (const [what, fault] of Object.entries(faults)) {
    test(`${what} is asked again, and all arrives once it is mended`, async () => {
      const accounts = await several(3);
      pusher.behave(() => fault);
      await sayMuch(accounts, 3);
      await until('it was asked again', () => new Set(pusher.requests.map(({ at }) => at)).size > 3);
      await until('a row says why', async () => (await open()).some(({ last_error }) => last_error));
      assert.equal((await open()).length, 9, 'nothing is given up');
      for (const account of accounts) {
        assert.ok(about(account).every(({ data }) => data.state_version === 1), 'none overtakes the first');
      }
      pusher.behave(undefined);
      await arrivedOnce(accounts, 3);
    });
  }

  test('refuses connections gets all once it is back, and its breaker is open meanwhile', async () => {
    const accounts = await several(3);
    await pusher.stop();
    await sayMuch(accounts, 4);
    await until('the breaker is open', async () => await breaker() === 2);
    const rows = await open();
    assert.equal(rows.length, 12);
    await until('a row says why', async () => (await open()).some(({ last_error }) => /connect/i.test(last_error)));
    assert.ok((await open()).every(({ attempts }) => attempts === '0'), 'a peer that is away costs no attempt');
    await pusher.start();
    await arrivedOnce(accounts, 4);
    await until('the breaker is closed', async () => await breaker() === 0);
    assert.ok((await metrics(stack)).wa_breaker_opened_total > 0);
  });

  test('names a time in Retry-After is left alone until then', async () => {
    const account = await some();
    pusher.behave(() => (pusher.requests.length === 1 ? { status: 429, headers: { 'Retry-After': '3' } } : undefined));
    await say(account);
    await arrivedOnce([account], 1);
    const [first, second] = about(account);
    assert.ok(second.at - first.at > 2_500_000, `asked again after ${second.at - first.at} µs`);
  });

  for (const status of [301, 401, 403, 404]) {
    test(`answers ${status} does so because of our settings: rows stay, and it is asked rarely`, async () => {
      const accounts = await several(20);
      pusher.behave(() => ({ status, headers: { Location: `${pusher.scheme}://127.0.0.1:${pusher.port}/other` },
        body: 'not you' }));
      await say(accounts[0]);
      await until('the breaker is open', async () => await breaker() === 2);
      for (const account of accounts.slice(1)) await say(account);
      /* One of them is enough to see that it is asked again as long as it refuses. */
      if (status === 401) await pusher.received(2);
      const rows = await open();
      assert.equal(rows.length, 20);
      assert.ok(rows.every(({ attempts }) => attempts === '0'), 'no attempt of a row\'s is counted');
      assert.ok(rows.some(({ last_error }) => last_error?.includes(`HTTP ${status}`)));
      assert.ok(pusher.requests.length <= 3, `asked ${pusher.requests.length} times`);
      assert.ok(pusher.requests.every(({ path }) => path.endsWith('/events')), 'no redirect is followed');
      pusher.behave(undefined);
      await arrivedOnce(accounts, 1);
    });
  }

  for (const status of [400, 422]) {
    test(`answers ${status} to an event gets it no more, and the next one after it`, async () => {
      const [account, other] = await several(2);
      pusher.behave(({ data }) => (data.uuid === account.uuid && data.state_version === 1
        ? { status, body: 'The data\nis \u001b[31mnot\u0000 good.' } : undefined));
      await sayMuch([account, other], 2);
      await settled();
      assert.deepEqual(accepted(account), [2]);
      assert.deepEqual(accepted(other), [1, 2]);
      assert.equal(about(account).length, 2, 'asked once for each');
      const [refused, next] = await rowsOf(account);
      assert.equal(refused.state, 'given_up');
      assert.match(refused.last_error, new RegExp(`^HTTP ${status}: The data.*not.*good`));
      assert.doesNotMatch(refused.last_error, /\p{Cc}/u, 'one line, and nothing that a terminal obeys');
      assert.equal(next.state, 'delivered');
      assert.equal(await breaker(), 0, 'that is no fault of the server\'s');
    });
  }

  test('answers with very much is not read to the end', async () => {
    const account = await some();
    pusher.behave(() => (pusher.requests.length === 1 ? { status: 400, body: 'very much '.repeat(500_000) }
      : undefined));
    await sayMuch([account], 2);
    await settled();
    const [refused] = await rowsOf(account);
    assert.equal(refused.state, 'given_up');
    assert.ok(refused.last_error.length <= 255);
    assert.deepEqual(accepted(account), [2]);
  });
});

describe('a QR code', () => {
  test('is not told after its end', async () => {
    const account = await some();
    await pusher.stop();
    await show(account, 'a short one', { expires_in: 1 });
    await pause(2000);
    await pusher.start();
    await settled();
    const [row] = await rowsOf(account);
    assert.equal(row.state, 'expired');
    assert.deepEqual(accepted(account), []);
  });

  test('is not told after a newer one', async () => {
    const account = await some();
    await pusher.stop();
    for (const qr_code of ['one', 'two', 'three']) await show(account, qr_code);
    await pusher.start();
    await settled();
    assert.deepEqual((await rowsOf(account)).map(({ state }) => state), ['cancelled', 'cancelled', 'delivered']);
    assert.deepEqual(about(account).filter(({ status }) => status === 200).map(({ data }) => data.qr_code_base64),
      ['three']);
  });

  test('is not told when the pairing is over', async () => {
    const account = await some();
    await pusher.stop();
    await show(account, 'one');
    await until('it was tried', async () => (await rowsOf(account))[0].last_error);
    await report(account, 'connected');
    await pusher.start();
    await settled();
    assert.deepEqual((await rowsOf(account)).map(({ state }) => state), ['cancelled', 'delivered']);
    assert.deepEqual(accepted(account), [2]);
  });

  test('is not told of an account that is deleted', async () => {
    const account = await some();
    await pusher.stop();
    await show(account, 'one');
    await until('it was tried', async () => (await rowsOf(account))[0].last_error);
    await stack.sql(`UPDATE whatsapp_accounts SET deleted_at = UTC_TIMESTAMP() WHERE id = ${account.id}`);
    await pusher.start();
    await settled();
    assert.deepEqual((await rowsOf(account)).map(({ state }) => state), ['cancelled']);
    assert.deepEqual(accepted(account), []);
  });

  test('is told with what is left of its time', async () => {
    const account = await some();
    await pusher.stop();
    await show(account, 'one', { expires_in: 30 });
    await pause(2000);
    await pusher.start();
    await settled();
    const { data } = about(account).find(({ status }) => status === 200);
    assert.ok(data.expires_in_seconds <= 28 && data.expires_in_seconds > 0, `${data.expires_in_seconds} s`);
  });
});

describe('a relay', () => {
  test('that is killed between sending and settling sends again, and loses nothing', async () => {
    const account = await some();
    pusher.behave(() => 'hang');
    await say(account);
    await pusher.received(1);
    const killed = relay();
    process.kill(killed, 'SIGKILL');
    pusher.behave(undefined);
    await arrived([account], 1);
    assert.deepEqual(accepted(account), [1]);
    assert.equal(about(account).length, 2, 'the one without an answer, and the one that was answered');
    assert.notEqual(relay(), killed);
    assert.ok(!lives(killed) && lives(relay()));
    assert.ok(stack.children().includes(relay()));
  });

  test('that is killed again and again loses nothing, and keeps the order', async () => {
    const accounts = await several(5);
    pusher.behave(() => ({ after: 20 }));
    let going = true;
    const killing = (async () => {
      for (let i = 0; i < 5; i++) {
        const pid = relay();
        const count = pusher.requests.length;
        await until('it works', () => !going || pusher.requests.length > count + 5);
        if (!going) return;
        process.kill(pid, 'SIGKILL');
        await until('another one starts', () => relay() !== pid);
      }
    })();
    await sayMuch(accounts, 30);
    await settled();
    going = false;
    await killing;
    await arrived(accounts, 30);
  });

  test('that is told to leave does so while the server hangs, and what it had sent is sent again', async () => {
    const account = await some();
    pusher.behave(() => 'hang');
    await sayMuch([account], 3);
    await pusher.received(1);
    assert.ok(await stack.stopPool(), 'the pool leaves when it is told to');
    assert.equal((await open()).length, 3);
    pusher.behave(undefined);
    await stack.startPool();
    await arrived([account], 3);
  });

  test('that is replaced by a reload loses nothing, and keeps the order', async () => {
    const accounts = await several(5);
    pusher.behave(() => ({ after: 10 }));
    const first = relay();
    const talking = sayMuch(accounts, 30);
    await until('it works', () => pusher.requests.length > 20);
    process.kill(stack.master, 'SIGHUP');
    await talking;
    await until('another relay has taken over', () => relay() !== first && !lives(first));
    await arrived(accounts, 30);
  });
});

describe('a database', () => {
  test('that is killed and comes back loses nothing of what waits', async () => {
    const accounts = await several(5);
    pusher.behave(() => ({ after: 200 }));
    await sayMuch(accounts, 10);
    await until('it works', () => pusher.requests.length > 5);
    stack.server.kill('SIGKILL');
    await until('the server is gone', () => !stack.server.running);
    await stack.server.restart();
    pusher.behave(undefined);
    await arrived(accounts, 10);
    await until('a report is stored', () => report(accounts[0], 'disconnected').then(() => true));
    await settled();
    assert.ok(accepted(accounts[0]).length > 10);
  });
});
