// wa-accountsctl outbox: what an operator sees of what was not delivered, and can do about it: list, show, redrive
// and purge.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { isAboutNow, secondsBetween } from './lib/expect.mjs';
import { connected, utc } from './lib/fixtures.mjs';
import { startNodeService } from './lib/node-service.mjs';
import { OPEN, SETTLED, allSettled, putRow, putRows, rowOf } from './lib/outbox.mjs';
import { inParallel } from './lib/parallel.mjs';
import { run, until } from './lib/processes.mjs';
import { startPusher } from './lib/pusher-server.mjs';
import { report, several, someAccount } from './lib/relay.mjs';
import { whileLocked } from './lib/session.mjs';
import { build, startStack } from './lib/stack.mjs';

const STATES = [...OPEN, ...SETTLED];
const KINDS = ['event', 'command'];
const AGAIN = ['given_up', 'expired', 'cancelled'];

let stack, accounts;
before(async () => {
  stack = await startStack({ pool: false, nginx: false });
  accounts = await several(stack, STATES.length * KINDS.length);
});
after(() => stack?.stop());
beforeEach(() => stack.sql('DELETE FROM wa_outbox; DELETE FROM wa_lanes'));

/** Run it; its output never has a sanitizer's report. */
async function ctl(on, ...args) {
  const result = await on.ctl('outbox', ...args.map(String));
  assert.doesNotMatch(result.out, /Sanitizer|runtime error:/);
  assert.equal(result.signal, null, result.out);
  return result;
}
async function succeedsOn(on, ...args) {
  const result = await ctl(on, ...args);
  assert.equal(result.code, 0, result.out);
  assert.equal(result.stderr, '');
  return result.stdout;
}
const succeeds = (...args) => succeedsOn(stack, ...args);
/** It ends with this status, says why on standard error, and nothing else; returns what it says. */
async function fails(code, ...args) {
  const result = await ctl(stack, ...args);
  assert.equal(result.code, code, `${args.join(' ')}: ${result.out}`);
  assert.equal(result.stdout, '');
  assert.notEqual(result.stderr.trim(), '', 'it says why');
  return result.stderr;
}
/** The same, and nothing is changed. */
async function refuses(code, ...args) {
  const earlier = await stack.checksum();
  const words = await fails(code, ...args);
  assert.equal(await stack.checksum(), earlier);
  return words;
}

/** What list prints, without its heading. */
async function list(...args) {
  const [heading, ...lines] = (await succeeds('list', ...args)).split('\n');
  assert.match(heading, /^id +account +kind +name +state +attempts +age \(s\) +last error$/);
  assert.equal(lines.pop(), '', 'the last line ends');
  return lines.map((line) => {
    const [, id, account, kind, name, state, attempts, age, error] =
      line.match(/^(\d+) +(\d+) +(\S+) +(\S+) +(\S+) +(\d+) +(-?\d+) +(.*)$/) ?? assert.fail(line);
    return { id: Number(id), account: Number(account), kind, name, state, attempts: Number(attempts),
      age: Number(age), error };
  });
}
const idsOf = (rows) => rows.map(({ id }) => id);

/** A row of each kind in each state: [{id, kind, state, account}], in the order of their ids. */
async function oneOfEach(columns = {}) {
  const rows = STATES.flatMap((state) => KINDS.map((kind) => ({ kind, state })));
  const ids = await putRows(stack, rows.map((row, i) => [accounts[i], { ...row, ...columns }]));
  return rows.map((row, i) => ({ ...row, account: accounts[i], id: ids[i] }));
}

describe('list', () => {
  const filters = [
    [[], ({ state }) => [...OPEN, 'given_up'].includes(state)],
    [['--state=open'], ({ state }) => OPEN.includes(state)],
    [['--state=settled'], ({ state }) => SETTLED.includes(state)],
    [['--state=all'], () => true],
    ...STATES.map((word) => [[`--state=${word}`], ({ state }) => state === word]),
    [['--kind=event'], ({ kind, state }) => kind === 'event' && [...OPEN, 'given_up'].includes(state)],
    [['--kind=command', '--state=all'], ({ kind }) => kind === 'command'],
    [['--state', 'expired', '--kind', 'event'], ({ kind, state }) => kind === 'event' && state === 'expired'],
    [['--state=open', '--state=cancelled'], ({ state }) => state === 'cancelled'],
  ];

  test('shows what is open and what was given up, or what is asked for, the oldest first', async () => {
    const rows = await oneOfEach();
    for (const [options, wanted] of filters) {
      assert.deepEqual(idsOf(await list(...options)), idsOf(rows.filter(wanted)), options.join(' '));
    }
  });

  test('shows those of one account, by any of its names, also of a deleted one', async () => {
    const two = [await someAccount(stack), await someAccount(stack, { deleted_at: utc(-5) })];
    const ids = [];
    for (const account of [...two, await someAccount(stack)]) {
      ids.push(await putRows(stack, [[account], [account, { kind: 'command', state: 'given_up' }],
        [account, { state: 'delivered' }]]));
    }
    for (const [i, account] of two.entries()) {
      for (const ref of [account.uuid, account.uuid.toUpperCase(), account.id, account.session_id]) {
        assert.deepEqual(idsOf(await list(`--account=${ref}`)), ids[i].slice(0, 2));
      }
      assert.deepEqual(idsOf(await list('--account', account.uuid, '--state=all')), ids[i]);
      assert.deepEqual(idsOf(await list(`--account=${account.uuid}`, '--kind=command')), [ids[i][1]]);
    }
    assert.deepEqual(await list(`--account=${(await someAccount(stack)).id}`), []);
  });

  test('of an account that is not there fails, and says which', async () => {
    for (const ref of ['5f4dcc3b-5aa7-4d61-9a2c-000000000000', '2147483000', 'webjs_1_1763000000_Unknown1', '']) {
      assert.ok((await refuses(1, 'list', `--account=${ref}`)).includes(`there is no account ${ref}`));
    }
  });

  test('shows of each row whose it is, what it is, and what became of it so far', async () => {
    const account = await someAccount(stack);
    const ids = await putRows(stack, [[account, { kind: 'command', name: 'regenerate-qr', state: 'sending', attempts: 7,
      age: 300, last_error: 'HTTP 500: {"message":"Schön ☎, 100 %s"}' }], [account]]);
    const [command, event] = await list();
    assert.ok(command.age >= 300 && command.age < 400 && event.age >= 0 && event.age < 100);
    assert.deepEqual([{ ...command, age: 0 }, { ...event, age: 0 }], [
      { id: ids[0], account: account.id, kind: 'command', name: 'regenerate-qr', state: 'sending', attempts: 7, age: 0,
        error: 'HTTP 500: {"message":"Schön ☎, 100 %s"}' },
      { id: ids[1], account: account.id, kind: 'event', name: 'account-status-changed', state: 'waiting', attempts: 0,
        age: 0, error: '-' }]);
  });

  test('prints what a peer has answered without its control characters, in one line', async () => {
    const account = await someAccount(stack);
    const last_error = 'HTTP 500: x\x1b]0;title\x07\x1b[2J\r\n9999 1 event\x7f\x9b2J\x85 é 🎉';
    const printed = 'HTTP 500: x\\x1b]0;title\\x07\\x1b[2J\\x0d\\x0a9999 1 event\\x7f\\xc2\\x9b2J\\xc2\\x85 é 🎉';
    const id = await putRow(stack, account, { state: 'given_up', last_error });
    assert.equal((await rowOf(stack, id)).last_error.includes('\x1b'), true);
    const rows = await list();
    assert.deepEqual([idsOf(rows), rows[0].error], [[id], printed]);
    const shown = await succeeds('show', id);
    assert.ok(shown.includes(printed), shown);
    assert.doesNotMatch(shown.replaceAll('\n', ''), /[\p{Cc}\ufffd]/u);
  });

  test('shows as many as there are, each once, and nothing where there is nothing', async () => {
    assert.deepEqual(await list(), []);
    const account = await someAccount(stack);
    const ids = await putRows(stack, Array.from({ length: 1501 }, (_, i) => [account,
      { state: i % 3 ? 'given_up' : 'delivered' }]));
    assert.deepEqual(idsOf(await list('--state=all')), ids);
    assert.deepEqual(idsOf(await list()), ids.filter((_, i) => i % 3));
    assert.deepEqual(idsOf(await list('--state=delivered', `--account=${account.uuid}`)),
      ids.filter((_, i) => !(i % 3)));
  });

  test('changes nothing', async () => {
    await oneOfEach();
    const earlier = await stack.checksum();
    await list('--state=all');
    assert.equal(await stack.checksum(), earlier);
  });
});

describe('show', () => {
  const fieldsOf = (text) => Object.fromEntries(text.trimEnd().split('\n').map((line) =>
    line.match(/^(\w+) +(.*)$/).slice(1)));
  const iso = (text) => (text === null ? '-' : `${text.replace(' ', 'T')}Z`);

  test('shows everything about a row, whatever its state, with its payload as it stands', async () => {
    const payload = { note: 'Schön ☎ "quoted" \\ %s', n: 1.5, list: [null, true, {}] };
    const columns = { attempts: 3, age: 500, settled: 100, last_error: 'not sent: Connection refused', payload };
    for (const { id, account, kind, state } of await oneOfEach(columns)) {
      const row = await rowOf(stack, id);
      const shown = fieldsOf(await succeeds('show', id));
      assert.deepEqual(shown, { id: String(id), account: String(account.id), workspace: String(account.workspace_id),
        kind, name: row.name, state, attempts: '3', last_error: columns.last_error, state_version: row.state_version,
        created_at: iso(row.created_at), available_at: iso(row.available_at), expires_at: iso(row.expires_at),
        settled_at: iso(row.settled_at), payload: row.payload });
      assert.deepEqual(JSON.parse(shown.payload), payload);
    }
  });

  test('shows that there is no error, and prints no control character of a payload', async () => {
    const id = await putRow(stack, await someAccount(stack), { payload: { note: 'x\x9b2J\x85\x1b' } });
    const out = await succeeds('show', id);
    assert.equal(fieldsOf(out).last_error, '-');
    assert.equal(fieldsOf(out).settled_at, '-');
    assert.doesNotMatch(out.replaceAll('\n', ''), /[\p{Cc}\ufffd]/u);
    assert.ok(out.includes('x\\xc2\\x9b2J\\xc2\\x85\\u001b'), out);
  });

  test('shows the whole of a payload, however long it is', async () => {
    const payload = { note: 'x'.repeat(100_000) };
    const id = await putRow(stack, await someAccount(stack), { payload });
    assert.deepEqual(JSON.parse(fieldsOf(await succeeds('show', id)).payload), payload);
  });

  test('of a row that is not there fails', async () => {
    for (const id of ['0', '2147483000', '18446744073709551615']) {
      assert.ok((await refuses(1, 'show', id)).includes(`there is no row ${id}`));
    }
  });
});

/** The row waits as if it had been written now, and lives as long as it was to. */
function isWaitingAgain(row, earlier) {
  assert.deepEqual([row.state, row.attempts, row.last_error, row.settled_at], ['waiting', '0', null, null]);
  isAboutNow(row.created_at);
  assert.ok(secondsBetween(earlier.created_at, row.created_at) > 500);
  assert.equal(secondsBetween(row.created_at, row.expires_at), secondsBetween(earlier.created_at, earlier.expires_at));
  assert.equal(row.available_at, row.created_at);
  for (const name of ['account_id', 'workspace_id', 'state_version', 'kind', 'name', 'payload']) {
    assert.equal(row[name], earlier[name]);
  }
}

describe('redrive', () => {
  const columns = { attempts: 12, age: 90_000, settled: 600, last_error: 'HTTP 422: no' };

  test('makes what was given up, has expired or was cancelled wait again, and refuses all others', async () => {
    for (const { id, kind, state } of await oneOfEach(columns)) {
      const earlier = await rowOf(stack, id);
      if (AGAIN.includes(state)) {
        assert.ok((await succeeds('redrive', id)).includes(String(id)));
        isWaitingAgain(await rowOf(stack, id), earlier);
        assert.ok((await refuses(1, 'redrive', id)).includes('only what was given up'), 'it waits already');
      } else {
        const words = await refuses(1, 'redrive', id);
        assert.ok(words.includes(`${id}: only what was given up, cancelled or has expired`), `${kind}: ${words}`);
      }
    }
    assert.ok((await refuses(1, 'redrive', '2147483000')).includes('there is no such row'));
  });

  test('of a command is refused while another one of its account is open, and of an event never', async () => {
    for (const state of OPEN) {
      const [account, other] = await several(stack, 2);
      const [command, event] = await putRows(stack, [[account, { ...columns, kind: 'command', state: 'given_up' }],
        [account, { ...columns, state: 'given_up' }], [other, { kind: 'command', state }], [account, { state }],
        [account, { kind: 'command', state: 'delivered' }]]);
      const before = await rowOf(stack, command);
      await succeeds('redrive', command);
      isWaitingAgain(await rowOf(stack, command), before);
      await stack.sql(`UPDATE wa_outbox SET state = 'given_up' WHERE id = ${command}`);

      const open = await putRow(stack, account, { kind: 'command', name: 'connect', state });
      assert.ok((await refuses(1, 'redrive', command)).includes('another command of its account is open'));
      await succeeds('redrive', event);
      await stack.sql(`UPDATE wa_outbox SET state = 'delivered', settled_at = UTC_TIMESTAMP(6) WHERE id = ${open}`);
      await succeeds('redrive', command);
    }
  });

  test('--given-up takes all that was given up, and nothing else', async () => {
    const rows = await oneOfEach(columns);
    const earlier = new Map();
    for (const { id } of rows) earlier.set(id, await rowOf(stack, id));
    const out = await succeeds('redrive', '--given-up');
    for (const { id, state } of rows) {
      if (state === 'given_up') {
        isWaitingAgain(await rowOf(stack, id), earlier.get(id));
        assert.match(out, new RegExp(`\\b${id}\\b`));
      } else {
        assert.deepEqual(await rowOf(stack, id), earlier.get(id), state);
      }
    }
    const sum = await stack.checksum();
    await succeeds('redrive', '--given-up');
    assert.equal(await stack.checksum(), sum, 'nothing is left to do');
  });

  for (const kind of KINDS) {
    test(`--given-up --kind=${kind} takes those of one kind`, async () => {
      const rows = await oneOfEach(columns);
      await succeeds('redrive', '--given-up', `--kind=${kind}`);
      for (const row of rows) {
        const expected = row.kind === kind && row.state === 'given_up' ? 'waiting' : row.state;
        assert.equal((await rowOf(stack, row.id)).state, expected, `${row.kind} ${row.state}`);
      }
    });
  }

  test('--given-up goes on behind one that it must leave, says which, and fails', async () => {
    const ids = await putRows(stack, accounts.slice(0, 3).map((account) => [account, { ...columns, kind: 'command',
      state: 'given_up' }]));
    await putRow(stack, accounts[1], { kind: 'command', name: 'connect' });
    const { code, stdout, stderr } = await ctl(stack, 'redrive', '--given-up');
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`\\b${ids[1]}: another command of its account is open`));
    for (const id of [ids[0], ids[2]]) assert.match(stdout, new RegExp(`\\b${id}\\b`));
    const states = [];
    for (const id of ids) states.push((await rowOf(stack, id)).state);
    assert.deepEqual(states, ['waiting', 'given_up', 'waiting']);
  });

  test('--given-up of two commands of one account takes one of them: they would be in each other\'s way', async () => {
    const account = await someAccount(stack);
    const ids = await putRows(stack, ['connect', 'disconnect'].map((name) => [account, { ...columns, kind: 'command',
      name, state: 'given_up' }]));
    assert.equal((await ctl(stack, 'redrive', '--given-up')).code, 1);
    const rows = await Promise.all(ids.map((id) => rowOf(stack, id)));
    assert.deepEqual(rows.map(({ state }) => state).sort(), ['given_up', 'waiting']);
  });

  test('--given-up takes as many as there are', async () => {
    const account = await someAccount(stack);
    const ids = await putRows(stack, Array.from({ length: 1203 }, () => [account, { ...columns, state: 'given_up' }]));
    const lines = (await succeeds('redrive', '--given-up')).trimEnd().split('\n');
    assert.equal(lines.length, ids.length);
    assert.equal(await stack.value('SELECT COUNT(*) FROM wa_outbox WHERE state = \'waiting\''), String(ids.length));
  });

  test('of a QR code is refused, whatever became of it: an old one is of no use to anybody', async () => {
    const rows = SETTLED.map((state, i) => [accounts[i], { ...columns, name: 'qr-code-generated', state }]);
    const ids = await putRows(stack, rows);
    for (const id of ids) assert.ok((await refuses(1, 'redrive', id)).includes('no QR code'));
    const [other] = await putRows(stack, [[accounts[0], { ...columns, state: 'given_up' }]]);
    const earlier = await Promise.all(ids.map((id) => rowOf(stack, id)));
    await ctl(stack, 'redrive', '--given-up');
    assert.equal((await rowOf(stack, other)).state, 'waiting');
    assert.deepEqual(await Promise.all(ids.map((id) => rowOf(stack, id))), earlier);
  });

  test('of a row whose account is gone for good is like any other', async () => {
    const account = await someAccount(stack);
    const ids = await putRows(stack, KINDS.map((kind) => [account, { ...columns, kind, state: 'given_up' }]));
    await stack.sql(`DELETE FROM whatsapp_accounts WHERE id = ${account.id}`);
    for (const id of ids) await succeeds('redrive', id);
  });

  test('by several at once makes a row wait once', async () => {
    const id = await putRow(stack, accounts[0], { ...columns, kind: 'command', state: 'given_up' });
    const answers = await Promise.all([id, id, id, id].map((one) => ctl(stack, 'redrive', one)));
    assert.deepEqual(answers.map(({ code }) => code).sort(), [0, 1, 1, 1]);
  });

  test('by several at once never makes two commands of one account wait', async () => {
    for (let round = 0; round < 4; round++) {
      await stack.sql('DELETE FROM wa_outbox');
      const ids = await putRows(stack, accounts.flatMap((account) => [1, 2].map(() => [account, { ...columns,
        kind: 'command', state: 'given_up' }])));
      await inParallel(ids, (id) => ctl(stack, 'redrive', id), 8);
      assert.deepEqual(await stack.sql(`SELECT account_id, COUNT(*) AS waiting FROM wa_outbox WHERE state = 'waiting'
        GROUP BY account_id HAVING waiting <> 1`), []);
    }
  });

  test('waits for a request that is about to write another command of its account, and is refused then', async () => {
    const [account] = accounts;
    const id = await putRow(stack, account, { ...columns, kind: 'command', state: 'given_up' });
    await whileLocked(stack, account, async (lock) => {
      await lock.ask(`INSERT INTO wa_outbox (account_id, workspace_id, state_version, kind, name, payload, created_at,
        available_at, expires_at) VALUES (${account.id}, ${account.workspace_id}, 1, 'command', 'connect', '{}',
        UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) + INTERVAL 900 SECOND)`);
      const answer = ctl(stack, 'redrive', id);
      await lock.waiting(1).catch(() => {});
      await lock.ask('COMMIT');
      const { code, out } = await answer;
      assert.equal(code, 1, out);
      assert.match(out, /another command of its account is open/);
    });
    assert.equal((await rowOf(stack, id)).state, 'given_up');
  });

  test('ends the pauses that failures began, and no lease of a relay', async () => {
    const account = await someAccount(stack);
    const id = await putRow(stack, account, { ...columns, state: 'given_up' });
    await stack.sql(`INSERT INTO wa_lanes (kind, account_id, holder, claim, due_at) VALUES
      ('event', ${account.id}, 0, 1, UTC_TIMESTAMP(6) + INTERVAL 1 HOUR),
      ('command', ${account.id}, 77, 1, UTC_TIMESTAMP(6) + INTERVAL 1 HOUR)`);
    await succeeds('redrive', id);
    assert.deepEqual(await stack.sql('SELECT kind, due_at <= UTC_TIMESTAMP(6) AS due FROM wa_lanes ORDER BY kind'),
      [{ kind: 'event', due: '1' }, { kind: 'command', due: '0' }]);
  });
});

describe('purge', () => {
  const left = async () => (await stack.column('SELECT id FROM wa_outbox ORDER BY id')).map(Number);

  test('deletes what is settled, says how many, and never what is open', async () => {
    const rows = await oneOfEach();
    const open = idsOf(rows.filter(({ state }) => OPEN.includes(state)));
    const settled = rows.length - open.length;
    assert.match(await succeeds('purge'), new RegExp(`^${settled} `));
    assert.deepEqual(await left(), open);
    assert.match(await succeeds('purge'), /^0 /);
    assert.deepEqual(await left(), open);
  });

  for (const word of ['settled', ...SETTLED]) {
    test(`--state=${word} deletes those alone`, async () => {
      const rows = await oneOfEach();
      const gone = rows.filter(({ state }) => (word === 'settled' ? SETTLED.includes(state) : state === word));
      assert.match(await succeeds('purge', `--state=${word}`), new RegExp(`^${gone.length} `));
      assert.deepEqual(await left(), idsOf(rows.filter((row) => !gone.includes(row))));
    });
  }

  test('deletes as many as there are', async () => {
    const account = await someAccount(stack);
    const kept = await putRow(stack, account);
    await putRows(stack, Array.from({ length: 2501 }, (_, i) => [account, { state: SETTLED[i % 5] }]));
    assert.match(await succeeds('purge'), /^2501 /);
    assert.deepEqual(await left(), [kept]);
  });
});

describe('what it cannot make sense of', () => {
  const wrong = {
    '': [[], ['nonsense'], ['nonsense', '1']],
    list: [['x'], ['1'], ['--nonsense'], ['--state'], ['--state='], ['--state=nonsense'], ['--state=waiting,sending'],
      ['--state=WAITING'], ['--kind=x'], ['--kind='], ['--kind=event,command'], ['--account'], ['--given-up'],
      ['--state=open', 'x']],
    show: [[], ['x'], ['1x'], [''], ['-1'], ['+1'], [' 1'], ['1', '2'], ['99999999999999999999'], ['--nonsense']],
    redrive: [[], ['x'], ['-1'], [''], ['1', '2'], ['--given-up', '1'], ['1', '--given-up'], ['--kind=event'],
      ['--given-up', '--kind=x'], ['--given-up', '--state=expired'], ['--nonsense'], ['1', '--kind=event']],
    purge: [['x'], ['1'], ['--state=nonsense'], ['--kind=event'], ['--account=1'], ['--given-up'], ['--nonsense'],
      ...[...OPEN, 'open', 'all'].map((word) => [`--state=${word}`])],
  };
  for (const [command, attempts] of Object.entries(wrong)) {
    test(`is a usage error that changes nothing: outbox ${command}`, async () => {
      await oneOfEach();
      for (const args of attempts) {
        const words = await refuses(64, ...(command === '' ? args : [command, ...args]));
        assert.match(words, /usage: wa-accountsctl/, args.join(' '));
      }
    });
  }
});

test('while the database is away, each of them ends with status 69, and says why without the password', async () => {
  const file = `${stack.dir}/away.env`;
  const attempts = [['list'], ['list', '--account=1'], ['show', '1'], ['redrive', '1'], ['redrive', '--given-up'],
    ['purge']];
  for (const changes of [{ DB_SOCKET: '/nowhere/db.sock' }, { DB_PASSWORD: 'another-password' }]) {
    writeFileSync(file, Object.entries({ ...stack.settings, ...changes }).map(([name, value]) =>
      `${name}=${value}\n`).join(''));
    for (const args of attempts) {
      const { code, stdout, stderr } = await run(`${build}/wa-accountsctl`, ['--env', file, 'outbox', ...args]);
      assert.equal(code, 69, `${args.join(' ')}: ${stderr}`);
      assert.equal(stdout, '');
      assert.notEqual(stderr.trim(), '');
      for (const password of [stack.settings.DB_PASSWORD, 'another-password']) assert.ok(!stderr.includes(password));
    }
  }
});

describe('with a relay that runs', () => {
  let live, pusher, node;
  before(async () => {
    [pusher, node] = [await startPusher(), await startNodeService()];
    live = await startStack({ nginx: false, env: { WA_RELAY: 'on', WA_RELAY_POLL: 100, WA_OUTBOX_ATTEMPTS: 1,
      ...pusher.env(), ...node.env() } });
  });
  after(async () => {
    await live?.stop();
    await pusher?.end();
    await node?.stop();
  });
  afterEach(() => {
    for (const peer of [pusher, node]) {
      peer.behave(undefined);
      peer.forget();
    }
  });
  const state = async (id) => (await rowOf(live, id)).state;
  const becomes = (id, word) => until(`row ${id} is ${word}`, async () => await state(id) === word);

  test('an event that was given up is delivered when it is sent once more', async () => {
    const account = await someAccount(live);
    pusher.behave(() => ({ status: 422, body: 'no such\r\nchannel\x1b[2J' }));
    await report(live, account, 'error');
    const [{ id }] = await until('it is given up', async () => {
      const { events } = await live.state(account.id);
      return events[0]?.state === 'given_up' && events;
    });
    const out = await succeedsOn(live, 'list');
    const line = out.split('\n').find((one) => one.startsWith(`${id} `));
    assert.match(line, /given_up .*HTTP 422: no such channel *\[2J$/);

    pusher.behave(undefined);
    await report(live, account, 'connecting');
    await becomes(id + 1, 'delivered');
    await succeedsOn(live, 'redrive', id);
    await becomes(id, 'delivered');
    assert.deepEqual(pusher.requests.filter(({ status }) => status === 200).map(({ data }) => data.state_version),
      [2, 1]);
    assert.equal(pusher.requests.at(-1).data.connection_status, 'error', 'as it was told');
    assert.doesNotMatch(await succeedsOn(live, 'list'), new RegExp(`^${id} `, 'm'));
  });

  test('one that came too late is delivered too', async () => {
    const account = await someAccount(live);
    const id = await putRow(live, account, { age: 86_401 });
    await becomes(id, 'expired');
    assert.equal(pusher.requests.length, 0);
    await succeedsOn(live, 'redrive', id);
    await becomes(id, 'delivered');
    assert.equal(pusher.requests.length, 1);
  });

  test('all that was given up is delivered, one kind and then the other', async () => {
    const five = await several(live, 5);
    for (const peer of [pusher, node]) peer.behave(() => ({ status: 422, body: 'no' }));
    const ids = await putRows(live, five.flatMap((account) => [[account], [account, { kind: 'command' }]]));
    const [events, commands] = [0, 1].map((kind) => ids.filter((_, i) => i % 2 === kind));
    for (const id of ids) await becomes(id, 'given_up');
    for (const peer of [pusher, node]) {
      peer.behave(undefined);
      peer.forget();
    }
    await succeedsOn(live, 'redrive', '--given-up', '--kind=command');
    for (const id of commands) await becomes(id, 'delivered');
    for (const id of events) assert.equal(await state(id), 'given_up');
    assert.deepEqual([pusher.requests.length, node.requests.length], [0, 5]);
    await succeedsOn(live, 'redrive', '--given-up');
    for (const id of events) await becomes(id, 'delivered');
    assert.deepEqual([pusher.requests.length, node.requests.length], [5, 5]);
  });

  test('a command whose account has come up in another way is not sent', async () => {
    const account = await someAccount(live, connected());
    const id = await putRow(live, account, { kind: 'command', name: 'reconnect', state: 'given_up' });
    await succeedsOn(live, 'redrive', id);
    await becomes(id, 'cancelled');
    assert.equal(node.requests.length, 0);
  });

  test('what is purged is not what is under way', async () => {
    await live.clear();
    const [account] = await several(live, 1);
    let release;
    const gate = new Promise((resolve) => (release = resolve));
    pusher.behave(() => gate);
    try {
      const id = await putRow(live, account);
      await pusher.received(1);
      assert.match(await succeedsOn(live, 'purge'), /^0 /);
      release();
      await becomes(id, 'delivered');
    } finally {
      release();
    }
    await allSettled(live);
    assert.match(await succeedsOn(live, 'purge'), /^1 /);
    assert.equal(await live.value('SELECT COUNT(*) FROM wa_outbox'), '0');
  });
});
