// The relay's events: what a page hears of what the Node.js service reports and of what people do, through
// a server of the Pusher protocol and Laravel's own client.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, afterEach, before, describe, test } from 'node:test';
import { isDone } from './lib/browser-expect.mjs';
import { BASE, ISO, formatted, isAboutNow, isBroadcasted, legacyWord, sameKeys } from './lib/expect.mjs';
import { connected, phone } from './lib/fixtures.mjs';
import { logIn } from './lib/login.mjs';
import { startNodeService } from './lib/node-service.mjs';
import { events, metrics } from './lib/observe.mjs';
import { inParallel } from './lib/parallel.mjs';
import { makeDirectory, removeDirectory, until } from './lib/processes.mjs';
import { heardBy, startPusher } from './lib/pusher-server.mjs';
import { withSettings } from './lib/settings.mjs';
import { startStack } from './lib/stack.mjs';

const MAX_BYTES = 10_000;
const REDUCED = ['id', 'uuid', 'phone_number', 'formatted_phone_number', 'is_primary', 'timestamp'];
/** A data URL of so many bytes. */
const qrOf = (length) => `data:image/png;base64,${'iVBORw0KGgoAAAA+/'.repeat(Math.ceil(length / 17))}`.slice(0, length);

let stack, pusher, node;
before(async () => {
  [pusher, node] = [await startPusher({ maxBytes: MAX_BYTES }), await startNodeService()];
  /* Asked rarely: what arrives at once was told by the request that wrote it. */
  stack = await startStack({ env: { WA_RELAY: 'on', WA_RELAY_POLL: 60_000, WA_MAX_ACCOUNTS: 1000, ...pusher.env(),
    ...node.env() } });
});
after(async () => {
  await stack?.stop();
  await pusher?.end();
  await node?.stop();
});
afterEach(() => {
  const wrong = pusher.requests.filter((request) => request.wrong);
  assert.deepEqual(wrong.map((request) => request.wrong), [], 'each request is signed and small enough');
  pusher.forget();
});

const broadcast = async (event, account, data) => isBroadcasted(await stack.signed('POST', `${BASE}/broadcast`,
  { event, data: { account_id: account.uuid, workspace_id: account.workspace_id, ...data } }));
const report = (account, status, more) => broadcast('account-status-changed', account, { status, ...more });
const show = (account, qr_code, more) => broadcast('qr-code-generated', account, { qr_code, ...more });
const act = async (who, account, what) => {
  const answer = await who.call(what === 'delete' ? 'DELETE' : 'POST', `/${account.uuid}${what === 'delete' ? ''
    : `/${what}`}`);
  assert.equal(answer.status, 200, answer.text);
};

/** Wait until nothing waits any more. */
const settled = () => until('everything is settled', async () =>
  await stack.value('SELECT COUNT(*) FROM wa_outbox WHERE state IN (\'waiting\', \'sending\')') === '0');
/** The requests about one account, in the order of their arrival. */
const about = (account) => pusher.requests.filter(({ data }) => data.uuid === account.uuid);
/** The next event about an account, as the server got it. */
const next = async (account, count = 1) => (await pusher.received(count, ({ data }) => data.uuid === account.uuid))
  .at(-1);

/** What the event of a QR code holds. */
function isQr(data, account, { qr_code, expires_in = 300 }) {
  sameKeys(data, ['qr_code_base64', 'expires_in_seconds', 'workspace_id', 'account_id', 'uuid', 'state_version',
    'timestamp']);
  const { expires_in_seconds: left, timestamp, ...rest } = data;
  assert.ok(Number.isInteger(left) && left <= expires_in && left > expires_in - 60, `${left} seconds are left`);
  assert.match(timestamp, ISO);
  isAboutNow(timestamp);
  assert.deepEqual(rest, { qr_code_base64: qr_code, workspace_id: account.workspace_id,
    account_id: account.session_id ?? account.uuid, uuid: account.uuid, state_version: account.state_version });
}

/** What the event of a state holds; `brought` is the report's metadata, or {action}. */
function isStatus(data, account, brought = {}, status = legacyWord[account.connection_status]) {
  sameKeys(data, ['account_id', 'status', 'connection_status', 'workspace_id', 'phone_number', 'metadata', 'uuid',
    'state_version', 'timestamp']);
  const { metadata, timestamp, ...rest } = data;
  for (const time of [timestamp, metadata.timestamp]) {
    assert.match(time, ISO);
    isAboutNow(time);
  }
  assert.deepEqual(rest, { account_id: account.session_id ?? account.uuid, status,
    connection_status: account.connection_status, workspace_id: account.workspace_id,
    phone_number: account.phone_number, uuid: account.uuid, state_version: account.state_version });
  assert.deepEqual({ ...metadata, timestamp: null }, { ...brought, id: account.id, uuid: account.uuid,
    phone_number: account.phone_number, formatted_phone_number: formatted(account.phone_number),
    is_primary: account.is_primary, timestamp: null });
}

describe('a page', () => {
  test('hears a QR code and a state that are reported, with Echo and with pusher-js', async () => {
    const ana = await logIn(stack);
    const account = await ana.account();
    const page = await heardBy(pusher.echo(), `workspace.${ana.workspace}`);
    const other = [];
    pusher.client().subscribe(`private-workspace.${ana.workspace}`)
      .bind_global((name, data) => name.startsWith('pusher:') || other.push({ name, data }));
    await until('both listen', () => pusher.subscribers(`private-workspace.${ana.workspace}`) === 2);

    await show(account, qrOf(4000), { expires_in: 120 });
    await until('the code is heard', () => page.length === 1);
    assert.equal(page[0].name, 'qr-code-generated');
    isQr(page[0].data, (await stack.state(account.id)).account, { qr_code: qrOf(4000), expires_in: 120 });

    const metadata = { device: 'Pixel 8 – schön', battery: 0.5 };
    await report(account, 'connected', { phone_number: phone(), metadata });
    await until('the state is heard', () => page.length === 2);
    assert.equal(page[1].name, 'account-status-changed');
    isStatus(page[1].data, (await stack.state(account.id)).account, metadata);

    await until('pusher-js hears both', () => other.length === 2);
    assert.deepEqual(other, page);
  });

  test('hears what a person does', async () => {
    const ana = await logIn(stack);
    const account = await ana.account(connected());
    const page = await heardBy(pusher.echo(), `workspace.${ana.workspace}`);
    const steps = [['set-primary', 'primary_changed'], ['disconnect'], ['reconnect'], ['disconnect'],
      ['regenerate-qr'], ['delete', 'deleted']];
    for (const [i, [action, status]] of steps.entries()) {
      await act(ana, account, action);
      await until(`${action} is heard`, () => page.length > i);
      assert.equal(page[i].name, 'account-status-changed');
      const { account: now } = await stack.state(account.id);
      const { metadata } = page[i].data;
      assert.equal(metadata.action, action.replace('-', '_'));
      isStatus(page[i].data, now, { action: metadata.action }, status);
    }
  });

  test('hears of an account that is added', async () => {
    const ana = await logIn(stack);
    const page = await heardBy(pusher.echo(), `workspace.${ana.workspace}`);
    const { data } = isDone(await ana.call('POST', '', { json: { phone_number: phone(), provider_type: 'webjs' } }),
      'Account created successfully', 201);
    const { account, events: rows } = await stack.state(data.id);
    await until('what is told of it is heard', () => page.length === rows.length);
    for (const [i, row] of rows.entries()) {
      assert.equal(page[i].name, row.name);
      assert.equal(page[i].data.uuid, account.uuid);
    }
  });

  test('hears nothing of other workspaces', async () => {
    const [ana, budi] = [await logIn(stack), await logIn(stack)];
    const [hers, his] = [await ana.account(), await budi.account()];
    const pages = [await heardBy(pusher.echo(), `workspace.${ana.workspace}`),
      await heardBy(pusher.echo(), `workspace.${budi.workspace}`)];
    for (const account of [hers, his]) {
      await show(account, qrOf(100));
      await next(account);
      await report(account, 'connected');
    }
    await until('both hear theirs', () => pages.every((page) => page.length === 2));
    await settled();
    assert.deepEqual(pages.map((page) => page.map(({ data }) => data.uuid)),
      [[hers.uuid, hers.uuid], [his.uuid, his.uuid]]);
  });

  test('hears an account without a session_id by its uuid', async () => {
    const account = await stack.account({ workspace_id: await stack.workspace(), session_id: null });
    await show(account, 'a code');
    const { name, data } = await next(account);
    assert.equal(name, 'qr-code-generated');
    isQr(data, (await stack.state(account.id)).account, { qr_code: 'a code' });
    await report(account, 'error');
    isStatus((await next(account, 2)).data, (await stack.state(account.id)).account);
  });
});

describe('a request', () => {
  test('is what the Pusher HTTP API says', async () => {
    const account = await stack.account({ workspace_id: await stack.workspace() });
    await report(account, 'connected', { metadata: { note: 'naïve ☎ \u{1f4de} "quoted" \\ </script>' } });
    const { method, path, query, headers, json, data, wrong } = await next(account);
    assert.equal(wrong, null);
    assert.equal(method, 'POST');
    assert.equal(path, `/apps/${pusher.app.id}/events`);
    sameKeys(query, ['auth_key', 'auth_signature', 'auth_timestamp', 'auth_version', 'body_md5']);
    assert.equal(headers['content-type'], 'application/json');
    assert.equal(headers.host, `127.0.0.1:${pusher.port}`);
    assert.equal(headers.expect, undefined);
    sameKeys(json, ['name', 'channels', 'data']);
    assert.deepEqual(json.channels, [`private-workspace.${account.workspace_id}`]);
    assert.equal(data.metadata.note, 'naïve ☎ \u{1f4de} "quoted" \\ </script>');
  });

  test('leaves its row as delivered, and the metrics count it', async () => {
    const account = await stack.account({ workspace_id: await stack.workspace() });
    const series = 'wa_outbox_settled_total{kind="event",result="delivered"}';
    /* Counted when it is stored already; this relay has delivered all that ever was. */
    const counted = () => until('all are counted', async () => {
      await settled();
      const now = await metrics(stack);
      const delivered = await stack.value(`SELECT COUNT(*) FROM wa_outbox WHERE state = 'delivered'
        AND kind = 'event'`);
      return now[series] === Number(delivered) && now;
    });
    const earlier = (await counted())[series];
    await report(account, 'error');
    await report(account, 'connecting');
    const now = await counted();
    const { events: rows } = await stack.state(account.id);
    assert.deepEqual(rows.map(({ state, last_error }) => ({ state, last_error })),
      Array(2).fill({ state: 'delivered', last_error: null }));
    for (const { settled_at } of rows) isAboutNow(settled_at);
    assert.equal(now[series], earlier + 2);
    assert.equal(now.wa_relay_up, 1);
    assert.equal(now['wa_relay_breaker{peer="broadcast"}'], 0);
    assert.equal(now['wa_relay_under_way{peer="broadcast"}'], 0);
    assert.ok(now['wa_outbox_delivery_seconds_count{kind="event"}'] >= 2);
    assert.equal(now['wa_outbox_depth{kind="event"}'] ?? now.wa_outbox_depth ?? 0, 0);
  });

  test('shares its connection with many others', async () => {
    const workspace_id = await stack.workspace();
    const one = await stack.account({ workspace_id });
    for (let i = 0; i < 100; i++) await report(one, i % 2 ? 'error' : 'disconnected', { metadata: { i } });
    const count = (await stack.state(one.id)).events.length;
    assert.ok(count >= 50, `${count} events`);
    await next(one, count);
    const connections = (some) => new Set(some.map(({ connection }) => connection)).size;
    assert.ok(connections(about(one)) <= 3, `${connections(about(one))} connections for one account`);
    const ten = await Promise.all(Array.from({ length: 10 }, () => stack.account({ workspace_id })));
    pusher.forget();
    await inParallel(Array.from({ length: 100 }, (_, i) => i), (i) => report(ten[i % 10],
      Math.floor(i / 10) % 2 ? 'error' : 'connecting'));
    await settled();
    assert.ok(pusher.requests.length > 40, `${pusher.requests.length} events`);
    assert.ok(connections(pusher.requests) <= 20, `${connections(pusher.requests)} connections for ten accounts`);
  });

  test('says no secret to the log, and no QR code', async () => {
    const account = await stack.account({ workspace_id: await stack.workspace() });
    await show(account, 'a-code-that-nobody-else-may-see');
    await next(account);
    await settled();
    for (const secret of [pusher.app.secret, 'a-code-that-nobody-else-may-see', 'auth_signature', node.key]) {
      assert.ok(!stack.log().includes(secret), secret);
    }
  });
});

test('200 events of five accounts arrive once each, each account\'s in the order of state_version', async () => {
  const ana = await logIn(stack);
  const accounts = await Promise.all(Array.from({ length: 5 }, () => ana.account()));
  const page = await heardBy(pusher.echo(), `workspace.${ana.workspace}`);
  await inParallel(accounts, async (account) => {
    for (let i = 0; i < 40; i++) await report(account, ['connecting', 'error', 'disconnected'][i % 3]);
  });
  await until('all are heard', () => page.length >= 200);
  await settled();
  assert.equal(page.length, 200);
  assert.equal(pusher.requests.length, 200);
  for (const account of accounts) {
    const versions = page.filter(({ data }) => data.uuid === account.uuid).map(({ data }) => data.state_version);
    assert.deepEqual(versions, Array.from({ length: 40 }, (_, i) => i + 1));
  }
});

describe('an event that would be too large', () => {
  test('goes without its QR code, and says so', async () => {
    const account = await stack.account({ workspace_id: await stack.workspace() });
    const earlier = (await metrics(stack)).wa_broadcast_reduced_total;
    await show(account, qrOf(12_000), { expires_in: 60 });
    const { data, bytes } = await next(account);
    assert.ok(bytes <= MAX_BYTES);
    sameKeys(data, ['qr_code_omitted', 'expires_in_seconds', 'workspace_id', 'account_id', 'uuid', 'state_version',
      'timestamp']);
    assert.equal(data.qr_code_omitted, true);
    assert.equal(data.state_version, 1);
    await until('the metrics count it', async () => (await metrics(stack)).wa_broadcast_reduced_total === earlier + 1);
  });

  test('goes without the report\'s metadata, and says so', async () => {
    const account = await stack.account({ workspace_id: await stack.workspace(), phone_number: phone() });
    /* Each quote is four bytes of the request: the event is JSON in a text in JSON. */
    await report(account, 'error', { metadata: { note: '"'.repeat(4000) } });
    const { data, bytes } = await next(account);
    assert.ok(bytes <= MAX_BYTES);
    const { account: now } = await stack.state(account.id);
    assert.equal(data.metadata_omitted, true);
    sameKeys(data.metadata, REDUCED);
    delete data.metadata_omitted;
    isStatus(data, now);
  });

  test('goes whole when 8 KiB of metadata just fit', async () => {
    const account = await stack.account({ workspace_id: await stack.workspace() });
    const note = 'x'.repeat(8000);
    await report(account, 'error', { metadata: { note } });
    const { data, bytes } = await next(account);
    assert.ok(bytes <= MAX_BYTES && bytes > 8000);
    isStatus(data, (await stack.state(account.id)).account, { note });
  });

  test('is told from one that fits to within a few bytes', async () => {
    const account = await stack.account({ workspace_id: await stack.workspace() });
    let [fits, tooLong, largest, count] = [1000, 12_000, 0, 0];
    while (tooLong - fits > 1) {
      const length = Math.floor((fits + tooLong) / 2);
      await show(account, qrOf(length));
      const { data, bytes } = await next(account, ++count);
      assert.ok(bytes <= MAX_BYTES, `${bytes} bytes`);
      if (data.qr_code_omitted) tooLong = length;
      else {
        assert.equal(data.qr_code_base64, qrOf(length));
        [fits, largest] = [length, bytes];
      }
    }
    assert.ok(largest > MAX_BYTES - 64, `the largest that went whole had ${largest} bytes`);
  });

  test('is what WA_BROADCAST_MAX_BYTES says', async () => {
    await withSettings(stack, { WA_BROADCAST_MAX_BYTES: 2000 }, async () => {
      const account = await stack.account({ workspace_id: await stack.workspace() });
      for (const [i, length] of [500, 1900].entries()) {
        await show(account, qrOf(length));
        const { data, bytes } = await next(account, i + 1);
        assert.ok(bytes <= 2000, `${bytes} bytes`);
        assert.equal(data.qr_code_omitted, length === 1900 ? true : undefined);
      }
    });
  });

  test('is also one that the server refuses with 413, and one that it refuses reduced too is given up', async (t) => {
    const small = await startPusher({ maxBytes: 3000 });
    t.after(() => small.end());
    await withSettings(stack, small.env(), async () => {
      const account = await stack.account({ workspace_id: await stack.workspace() });
      await show(account, qrOf(5000));
      const [first, second] = await small.received(2);
      assert.equal(first.status, 413);
      assert.equal(second.status, 200);
      assert.equal(second.data.qr_code_omitted, true);
      await settled();
      assert.equal((await stack.state(account.id)).events[0].state, 'delivered');

      small.behave(() => ({ status: 413, body: 'Payload too large.' }));
      await report(account, 'error', { metadata: { note: 'x'.repeat(4000) } });
      await settled();
      const { events: [, row] } = await stack.state(account.id);
      assert.equal(row.state, 'given_up');
      assert.match(row.last_error, /413/);
    });
  });
});

describe('the driver', () => {
  /** One event, with this driver; its row. */
  const told = (settings, body) => withSettings(stack, { BROADCAST_CONNECTION: null, ...settings }, async () => {
    const account = await stack.account({ workspace_id: await stack.workspace() });
    const from = stack.log().length;
    await show(account, 'a-code-for-one-page-only');
    await settled();
    const { account: now, events: [row] } = await stack.state(account.id);
    await body({ account: now, row, log: stack.log().slice(from), start: stack.log() });
  });

  test('pusher takes Pusher\'s own settings', async () => {
    await told(pusher.env('pusher'), ({ account }) => {
      assert.equal(pusher.requests.length, 1);
      isQr(pusher.requests[0].data, account, { qr_code: 'a-code-for-one-page-only' });
    });
  });

  test('may be named by BROADCAST_DRIVER, as before Laravel 11; BROADCAST_CONNECTION wins', async () => {
    await told({ BROADCAST_DRIVER: 'reverb' }, () => assert.equal(pusher.requests.length, 1));
    await told({ BROADCAST_DRIVER: 'reverb', BROADCAST_CONNECTION: 'log' },
      () => assert.equal(pusher.requests.length, 1));
  });

  test('null as BROADCAST_CONNECTION wins too', async () => {
    await told({ BROADCAST_DRIVER: 'reverb', BROADCAST_CONNECTION: 'null' },
      () => assert.equal(pusher.requests.length, 0));
  });

  test('log writes the event to the log, without its QR code', async () => {
    await told({ BROADCAST_CONNECTION: 'log' }, ({ account, row, log }) => {
      assert.equal(row.state, 'delivered');
      const lines = events(log, 'broadcast');
      assert.equal(lines.length, 1);
      const [{ workspace, name, data }] = lines;
      assert.equal(workspace, String(account.workspace_id));
      assert.equal(name, 'qr-code-generated');
      const { uuid, state_version } = JSON.parse(data);
      assert.deepEqual({ uuid, state_version }, { uuid: account.uuid, state_version: 1 });
      assert.ok(!log.includes('a-code-for-one-page-only'));
    });
    assert.equal(pusher.requests.length, 0);
  });

  test('null takes each event and sends none', async () => {
    await told({ BROADCAST_CONNECTION: 'null' }, ({ row, log }) => {
      assert.equal(row.state, 'delivered');
      assert.deepEqual(events(log, 'broadcast'), []);
    });
    assert.equal(pusher.requests.length, 0);
  });

  test('that is not set is null, with a warning at the start', async () => {
    const from = stack.log().length;
    await told({}, ({ row, start }) => {
      assert.equal(row.state, 'delivered');
      assert.match(start.slice(from), /level=warn\S* .*BROADCAST_CONNECTION/);
    });
    assert.equal(pusher.requests.length, 0);
  });
});

describe('over TLS', () => {
  let dir, secure;
  /** A CA, and a certificate for these names that it has signed. */
  function certificates(name, names) {
    const openssl = (...args) => execFileSync('openssl', args, { cwd: dir, stdio: 'ignore' });
    openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', `/CN=${name} CA`,
      '-keyout', `${name}-ca.key`, '-out', `${name}-ca.pem`);
    openssl('req', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=a test', '-keyout', `${name}.key`,
      '-out', `${name}.csr`);
    writeFileSync(`${dir}/${name}.ext`, `subjectAltName=${names}\n`);
    openssl('x509', '-req', '-extfile', `${name}.ext`, '-in', `${name}.csr`, '-CA', `${name}-ca.pem`,
      '-CAkey', `${name}-ca.key`, '-CAcreateserial', '-days', '2', '-out', `${name}.pem`);
    const [key, cert] = ['key', 'pem'].map((end) => readFileSync(`${dir}/${name}.${end}`));
    return { ca: `${dir}/${name}-ca.pem`, key, cert };
  }

  before(async () => {
    dir = makeDirectory('wa-relay-');
    const ours = certificates('ours', 'IP:127.0.0.1');
    secure = Object.assign(await startPusher({ tls: ours }), { ca: ours.ca });
  });
  after(async () => {
    await secure?.end();
    removeDirectory(dir);
  });

  test('a certificate is checked against WA_CA_FILE', async () => {
    await withSettings(stack, { ...secure.env(), WA_CA_FILE: secure.ca }, async () => {
      const account = await stack.account({ workspace_id: await stack.workspace() });
      await show(account, qrOf(1000));
      const [{ data, wrong }] = await secure.received(1);
      assert.equal(wrong, null);
      isQr(data, (await stack.state(account.id)).account, { qr_code: qrOf(1000) });
    });
  });

  const refusals = {
    'of an unknown CA': () => ({ ca: certificates('theirs', 'IP:127.0.0.1').ca, server: secure }),
    'when no CA is named': () => ({ ca: null, server: secure }),
    'for another name': async () => {
      const other = certificates('other', 'DNS:example.test');
      return { ca: other.ca, server: await startPusher({ tls: other }) };
    },
  };
  for (const [what, prepare] of Object.entries(refusals)) {
    test(`a certificate ${what} is refused: nothing is said, and the row stays`, async (t) => {
      const { ca, server } = await prepare();
      t.after(() => server !== secure && server.end());
      secure.forget();
      const account = await stack.account({ workspace_id: await stack.workspace() });
      await withSettings(stack, { ...server.env(), WA_CA_FILE: ca, WA_RELAY_POLL: 100 }, async () => {
        await report(account, 'error');
        await until('the breaker is open', async () =>
          (await metrics(stack))['wa_relay_breaker{peer="broadcast"}'] === 2);
        const { events: [row] } = await stack.state(account.id);
        assert.ok(['waiting', 'sending'].includes(row.state), row.state);
        await until('the row says why', async () => /certificate/i.test((await stack.state(account.id)).events[0]
          .last_error));
        assert.equal(server.requests.length, 0);
        /* Inside: between two of these, the pool would have the settings of all other tests, and deliver by them. */
        await withSettings(stack, { ...secure.env(), WA_CA_FILE: secure.ca }, async () => {
          await settled();
          assert.equal((await stack.state(account.id)).events[0].state, 'delivered');
          assert.equal(secure.requests.length, 1);
        });
      });
    });
  }
});
