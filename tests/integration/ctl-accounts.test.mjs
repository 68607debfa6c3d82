// wa-accountsctl for the person who is called when a customer cannot log in, or has lost an account: session show,
// account list, show, set-primary, disconnect and restore.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newKey } from './lib/envelope.mjs';
import { isStatusEvent } from './lib/expect.mjs';
import { connected, phone, utc } from './lib/fixtures.mjs';
import { COOKIE, NEW_COOKIE, PAGE, cookieOf, join, logIn, newSession, newUser, newWorkspace, random40 }
  from './lib/login.mjs';
import { run } from './lib/processes.mjs';
import { build, startStack } from './lib/stack.mjs';

let stack, ana;
before(async () => {
  stack = await startStack({ pool: false, nginx: false });
  ana = await logIn(stack);
});
after(() => stack?.stop());

/** Run it; its output never has a sanitizer's report. */
async function ctl(...args) {
  const result = await stack.ctl(...args.map(String));
  assert.doesNotMatch(result.out, /Sanitizer|runtime error:/);
  assert.equal(result.signal, null, result.out);
  return result;
}
async function succeeds(...args) {
  const result = await ctl(...args);
  assert.equal(result.code, 0, result.out);
  return result.stdout;
}
async function fails(...args) {
  const result = await ctl(...args);
  assert.notEqual(result.code, 0, result.out);
  assert.notEqual(result.out.trim(), '', 'it says why');
  return result;
}

describe('session show', () => {
  /** What the tool says of a cookie on its standard input, and whether it would be let in. */
  async function judge(cookie) {
    const result = await run(`${build}/wa-accountsctl`, ['--env', stack.envFile, 'session', 'show', '-'],
      { stdin: cookie });
    assert.equal(result.signal, null, result.out);
    assert.doesNotMatch(result.out, /Sanitizer|runtime error:/);
    return result;
  }
  function tellsNoSecret(out, session) {
    for (const secret of [session.id, session.token].filter(Boolean)) {
      assert.ok(!out.includes(secret), 'the whole of it');
      assert.ok(!out.includes(secret.slice(0, 20)) && !out.includes(secret.slice(20)), 'nor half of it');
    }
    assert.ok(!out.includes(stack.settings.APP_KEY.slice(7)));
  }
  const valueOf = (cookie) => cookie.slice(cookie.indexOf('=') + 1);

  test('says who is logged in, and in which workspace, and that it would be let in', async () => {
    const { code, out } = await judge(ana.cookie);
    assert.equal(code, 0, out);
    assert.match(out, new RegExp(`\\b${ana.user}\\b`));
    assert.match(out, new RegExp(`\\b${ana.workspace}\\b`));
    tellsNoSecret(out, ana.session);
  });

  test('takes the cookie as its value or as name=value, URL-encoded or not, with a line end or without', async () => {
    const value = valueOf(ana.cookie);
    const forms = [value, decodeURIComponent(value), `${COOKIE}=${value}`, `${COOKIE}=${decodeURIComponent(value)}`,
      cookieOf(stack, ana.session, { name: NEW_COOKIE })];
    for (const form of forms) {
      for (const end of ['', '\n', '\r\n']) {
        const { code, out } = await judge(`${form}${end}`);
        assert.equal(code, 0, `${form.slice(0, 20)}: ${out}`);
        assert.match(out, new RegExp(`\\b${ana.user}\\b`));
      }
    }
  });

  const reasons = {
    malformed: () => [['hello', {}], ['', {}], [`${COOKIE}=eyJ9`, {}]],
    mac: () => [[cookieOf(stack, ana.session, { appKey: newKey() }), ana.session]],
    prefix: () => [[cookieOf(stack, ana.session, { name: 'XSRF-TOKEN' }).replace('XSRF-TOKEN', COOKIE), ana.session]],
    session_id: () => [[cookieOf(stack, { id: 'short' }), {}]],
    no_session: () => [[cookieOf(stack, { id: random40() }), {}]],
    expired: async () => [await kept({ age: 86400 })],
    payload: async () => [await kept({ text: 'a:1:{' })],
    guest: async () => [await kept({ user: undefined }), await kept({ guard: 'admin' })],
    user_gone: async () => [await kept({ user: 2147483000 }), await kept({ user: await newUser(stack,
      { deleted_at: utc(-5) }) })],
    no_workspace: async () => [await kept({ workspace: undefined })],
    workspace_gone: async () => [await kept({ workspace: 2147483000 })],
    not_member: async () => [await kept({ user: await newUser(stack) })],
    role: async () => [await member({ role: 'agent' })],
    suspended: async () => [await member({ status: 'suspended' })],
  };
  async function kept(options) {
    const session = await newSession(stack, { user: ana.user, workspace: ana.workspace, ...options });
    return [cookieOf(stack, session), session];
  }
  async function member(columns) {
    const user = await newUser(stack);
    await join(stack, user, ana.workspace, columns);
    return kept({ user });
  }

  for (const [why, make] of Object.entries(reasons)) {
    test(`says why not, and fails: ${why}`, async () => {
      for (const [cookie, session] of await make()) {
        const { code, out } = await judge(cookie);
        assert.notEqual(code, 0, out);
        assert.match(out, new RegExp(`\\b${why}\\b`));
        tellsNoSecret(out, session);
      }
    });
  }

  test('leaves the session as it is', async () => {
    const [cookie] = await kept({ age: 600 });
    const earlier = await stack.checksum();
    assert.equal((await judge(cookie)).code, 0);
    assert.equal(await stack.checksum(), earlier);
  });
});

/** Whether a listing has this account, under any of its names. */
const lists = (out, { uuid, session_id }) => out.includes(uuid) || (session_id !== null && out.includes(session_id));

describe('account list', () => {
  let accounts;
  before(async () => {
    const budi = await logIn(stack);
    accounts = {
      primary: await ana.account(connected({ is_primary: 1 })),
      connected: await ana.account(connected()),
      meta: await ana.account(connected({ provider_type: 'meta', is_active: 0 })),
      failed: await ana.account({ connection_status: 'error', is_active: 1 }),
      deleted: await ana.account({ deleted_at: utc(-5) }),
      elsewhere: await budi.account(connected({ is_primary: 1 })),
      active: await budi.account({ is_active: 1 }),
    };
  });

  const cases = [
    [[], ['primary', 'connected', 'meta', 'failed', 'elsewhere', 'active']],
    [['--connected'], ['primary', 'connected', 'meta', 'elsewhere']],
    [['--active'], ['primary', 'connected', 'failed', 'elsewhere', 'active']],
    [['--primary'], ['primary', 'elsewhere']],
    [['--provider=meta'], ['meta']],
    [['--provider=webjs'], ['primary', 'connected', 'failed', 'elsewhere', 'active']],
    [['--deleted'], ['deleted']],
    [['--connected', '--active'], ['primary', 'connected', 'elsewhere']],
    [['--connected', '--provider=meta'], ['meta']],
  ];
  for (const [options, expected] of cases) {
    test(`lists ${options.length ? `those of ${options.join(' ')}` : 'all that live'}`, async () => {
      const out = await succeeds('account', 'list', ...options);
      const found = Object.keys(accounts).filter((name) => lists(out, accounts[name]));
      assert.deepEqual(found.sort(), [...expected].sort(), out);
    });
  }

  test('lists those of one workspace', async () => {
    const out = await succeeds('account', 'list', `--workspace=${ana.workspace}`, '--connected');
    const found = Object.keys(accounts).filter((name) => lists(out, accounts[name]));
    assert.deepEqual(found.sort(), ['connected', 'meta', 'primary']);
    assert.ok(!lists(await succeeds('account', 'list', '--workspace=2147483000'), accounts.primary));
  });

  test('shows state, number and workspace, and no secret', async () => {
    const account = await ana.account({ connection_status: 'connecting', phone_number: phone(), session_data: 'SECRET',
      qr_code: 'QRSECRET', qr_expires_at: utc(60) });
    const line = (await succeeds('account', 'list')).split('\n').find((one) => lists(one, account));
    assert.ok(line, 'one line for each account');
    assert.ok(line.includes('connecting') && line.includes(account.phone_number));
    assert.match(line, new RegExp(`\\b${ana.workspace}\\b`));
    assert.doesNotMatch(await succeeds('account', 'list'), /SECRET/);
  });

  test('does not take what it does not know', async () => {
    for (const wrong of ['--nonsense', '--provider=x', '--workspace=abc', '--workspace=0', 'x']) {
      await fails('account', 'list', wrong);
    }
  });

  test('lists ten thousand', async () => {
    const workspace = await newWorkspace(stack, ana.user);
    await stack.sql(`INSERT INTO whatsapp_accounts (uuid, workspace_id, created_by, session_id, created_at)
      SELECT UUID(), ${workspace}, ${ana.user}, CONCAT('webjs_${workspace}_1763000000_', LPAD(seq, 8, '0')),
        UTC_TIMESTAMP() FROM seq_1_to_10000`);
    const uuids = await stack.column(`SELECT uuid FROM whatsapp_accounts WHERE workspace_id = ${workspace}`);
    const out = await succeeds('account', 'list', `--workspace=${workspace}`);
    assert.ok(uuids.every((uuid, i) => lists(out, { uuid, session_id: `_${String(i + 1).padStart(8, '0')}` })));
    await stack.sql(`DELETE FROM whatsapp_accounts WHERE workspace_id = ${workspace}`);
  });
});

describe('account show', () => {
  test('shows the account, its workspace, its creator and what it counts, by any of its names', async () => {
    const user = await newUser(stack, { first_name: 'Citra' });
    const workspace = await newWorkspace(stack, user, { name: 'Toko Tiga' });
    const account = await stack.account({ workspace_id: workspace, created_by: user, ...connected({
      account_name: 'Toko é', metadata: '{"recent_failures":1,"last_error":"The phone went offline"}',
      session_data: 'SECRET' }) });
    for (const ref of [account.uuid, account.uuid.toUpperCase(), account.id, account.session_id]) {
      const out = await succeeds('account', 'show', ref);
      for (const text of [account.uuid, account.session_id, account.phone_number, 'Toko é', 'connected', 'webjs',
        'Toko Tiga']) {
        assert.ok(out.includes(text), `${text} in ${out}`);
      }
      assert.match(out, new RegExp(`\\b${user}\\b|Citra`));
      assert.match(out, /messages?.sent/i);
      assert.match(out, /contacts?/i);
      assert.doesNotMatch(out, /SECRET/);
    }
  });

  test('shows a deleted one too, and says so', async () => {
    const account = await ana.account({ deleted_at: utc(-5) });
    const out = await succeeds('account', 'show', account.uuid);
    assert.ok(out.includes(account.uuid));
    assert.match(out, /deleted/i);
  });

  test('of one that is not there fails', async () => {
    for (const ref of ['5f4dcc3b-5aa7-4d61-9a2c-000000000000', '2147483000', 'webjs_1_1763000000_Unknown1', '']) {
      await fails('account', 'show', ref);
    }
    await fails('account', 'show');
    await fails('account', 'nonsense', '1');
    await fails('account');
  });
});

describe('what people have typed', () => {
  const typed = 'x\x1b]0;title\x07\x1b[2J\r\n999 another row\x7f\x00 é 🎉';
  const printed = 'x\\x1b]0;title\\x07\\x1b[2J\\x0d\\x0a999 another row\\x7f\\x00 é 🎉';
  const isPlain = (out) => assert.doesNotMatch(out.replaceAll('\n', ''), /[\p{Cc}\ufffd]/u);
  const shows = (out, text) => assert.ok(out.includes(text), `${JSON.stringify(text)} in ${JSON.stringify(out)}`);

  test('as an account\'s name is printed without its control characters: they are \\xNN', async () => {
    const who = await logIn(stack);
    const account = await who.account(connected({ account_name: typed }));
    const list = await succeeds('account', 'list', `--workspace=${who.workspace}`);
    assert.deepEqual(list.split('\n').filter((line) => line.includes('another row')).length, 1);
    for (const out of [list, await succeeds('account', 'show', account.id)]) {
      isPlain(out);
      shows(out, printed);
    }
  });

  test('as a workspace\'s name is printed so too', async () => {
    const user = await newUser(stack);
    const workspace = await newWorkspace(stack, user, { name: typed });
    const account = await stack.account({ workspace_id: workspace, created_by: user, ...connected() });
    const out = await succeeds('account', 'show', account.id);
    isPlain(out);
    shows(out, printed);
  });

  test('as its maker\'s address is printed so too', async () => {
    const user = await newUser(stack, { email: 'x\x1b[2J\n@example.test' });
    const workspace = await newWorkspace(stack, user);
    const account = await stack.account({ workspace_id: workspace, created_by: user, ...connected() });
    const out = await succeeds('account', 'show', account.id);
    isPlain(out);
    shows(out, 'x\\x1b[2J\\x0a@example.test');
  });

  test('with the control characters that have two bytes is printed without either', async () => {
    const who = await logIn(stack);
    const account = await who.account(connected({ account_name: 'x\x9b2Jy\x85z' }));
    for (const out of [await succeeds('account', 'list', `--workspace=${who.workspace}`),
      await succeeds('account', 'show', account.id)]) {
      isPlain(out);
      shows(out, 'x\\xc2\\x9b2Jy\\xc2\\x85z');
    }
  });
});

describe('account set-primary and disconnect', () => {
  test('do what the page does, and tell the same', async () => {
    const who = await logIn(stack);
    const first = await who.account(connected({ is_primary: 1 }));
    const account = await who.account(connected());
    await succeeds('account', 'set-primary', account.uuid);
    let now = await stack.state(account.id);
    assert.equal(now.account.is_primary, true);
    assert.equal((await stack.state(first.id)).account.is_primary, false);
    isStatusEvent(now.events[0], now.account, { action: 'set_primary' }, 'primary_changed');

    await succeeds('account', 'disconnect', account.id);
    now = await stack.state(account.id);
    assert.equal(now.account.connection_status, 'disconnected');
    assert.equal(now.account.is_active, false);
    isStatusEvent(now.events[1], now.account, { action: 'disconnect' });
    assert.deepEqual(now.commands.map(({ name, state }) => `${name} ${state}`), ['disconnect waiting']);

    const earlier = await stack.checksum();
    await succeeds('account', 'set-primary', account.session_id);
    await succeeds('account', 'disconnect', account.session_id);
    assert.equal(await stack.checksum(), earlier, 'the same again changes nothing');
  });

  test('of one that is not there, or is deleted, fail and change nothing', async () => {
    const gone = await ana.account({ deleted_at: utc(-5) });
    const earlier = await stack.checksum();
    for (const what of ['set-primary', 'disconnect']) {
      for (const ref of ['2147483000', '5f4dcc3b-5aa7-4d61-9a2c-000000000000', gone.uuid]) {
        await fails('account', what, ref);
      }
    }
    assert.equal(await stack.checksum(), earlier);
  });
});

describe('account restore', () => {
  const deleted = (who, columns) => who.account(connected({ deleted_at: utc(-5), state_version: 5, ...columns }));

  test('brings it back: disconnected, inactive, and told of', async () => {
    const who = await logIn(stack);
    for (const ref of ['uuid', 'id', 'session_id']) {
      const account = await deleted(who);
      await succeeds('account', 'restore', account[ref]);
      const { account: now, events, commands } = await stack.state(account.id);
      assert.equal(now.deleted_at, null);
      assert.equal(now.connection_status, 'disconnected');
      assert.equal(now.is_active, false);
      assert.equal(now.phone_number, account.phone_number);
      assert.equal(now.state_version, 6);
      assert.equal(events.length, 1);
      isStatusEvent(events[0], now, { action: 'restore' });
      assert.deepEqual(commands, []);
    }
  });

  test('leaves another one primary', async () => {
    const who = await logIn(stack);
    const primary = await who.account(connected({ is_primary: 1 }));
    const account = await deleted(who, { is_primary: 1 });
    await succeeds('account', 'restore', account.uuid);
    assert.equal((await stack.state(account.id)).account.is_primary, false);
    assert.deepEqual((await stack.state(primary.id)).account, primary);
  });

  test('of one whose number another one has is refused, with exit status 1', async () => {
    const who = await logIn(stack);
    const account = await deleted(who);
    await who.account({ phone_number: `+${account.phone_number}` });
    const earlier = await stack.checksum();
    const { code, out } = await fails('account', 'restore', account.uuid);
    assert.equal(code, 1, out);
    assert.match(out, /number/i);
    assert.equal(await stack.checksum(), earlier);
  });

  test('of one that lives, or is not there, changes nothing', async () => {
    const account = await ana.account(connected());
    const earlier = await stack.checksum();
    await ctl('account', 'restore', account.uuid);
    await fails('account', 'restore', '2147483000');
    assert.equal(await stack.checksum(), earlier);
  });

  test('of one that lives, like what is done to one that is deleted or unknown, is refused by its own sentence',
    async () => {
      const living = await ana.account(connected());
      const gone = await ana.account({ deleted_at: utc(-5) });
      const attempts = [['restore', living.uuid, 'it is not deleted'], ['set-primary', gone.uuid, 'it is deleted'],
        ['set-primary', '2147483000', 'there is no such account']];
      const earlier = await stack.checksum();
      for (const [what, ref, sentence] of attempts) {
        const { code, stdout, stderr } = await fails('account', what, ref);
        assert.equal(code, 1, stderr);
        assert.equal(stdout, '');
        assert.ok(stderr.includes(`${ref}: ${sentence};`), stderr);
      }
      assert.equal(await stack.checksum(), earlier);
    });

  test('of a workspace that is gone fails', async () => {
    const user = await newUser(stack);
    const workspace = await newWorkspace(stack, user);
    const account = await stack.account({ workspace_id: workspace, created_by: user, deleted_at: utc(-5) });
    await stack.sql(`DELETE FROM workspaces WHERE id = ${workspace}`);
    await fails('account', 'restore', account.uuid);
  });
});

test('routes prints the browser\'s rows, each with its ways', async () => {
  const out = await succeeds('routes');
  const rows = out.split('\n').filter((line) => line.includes(PAGE));
  assert.equal(rows.length, 9, out);
  for (const row of rows) assert.match(row, /login.token\s+browser\.[a-z_]+/);
});
