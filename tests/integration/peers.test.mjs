// What the tests of the relay talk to, against the official clients: a mistake there would hide one of the relay's.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import { connect } from 'node:net';
import { after, afterEach, before, describe, test } from 'node:test';
import { call } from './lib/http.mjs';
import { startNodeService } from './lib/node-service.mjs';
import { packageOf } from './lib/packages.mjs';
import { accepts, makeDirectory, removeDirectory, until } from './lib/processes.mjs';
import { heardBy, newApp, startPusher } from './lib/pusher-server.mjs';

const Pusher = await packageOf('pusher');

/** The official server package, as an application uses it. */
const application = ({ app, port, scheme }, changes = {}) => new Pusher({ appId: app.id, key: app.key,
  secret: app.secret, host: '127.0.0.1', port, scheme, ...changes });
const refusedWith = (status, body = /./) => (error) => error.status === status && body.test(error.body);

describe('the Pusher server', () => {
  let server;
  before(async () => (server = await startPusher()));
  after(() => server.end());
  afterEach(() => {
    server.behave(undefined);
    server.forget();
  });

  const event = { text: 'schön', n: 5, nested: { list: [1, null, true] } };
  const trigger = (changes) => application(server, changes).trigger('private-workspace.5', 'an-event', event);

  /** One request by hand: signed by the official package, then changed. */
  function post(change = (request) => request) {
    const path = `/apps/${server.app.id}/events`;
    const body = JSON.stringify({ name: 'an-event', channels: ['private-workspace.5'], data: '{}' });
    const query = application(server).createSignedQueryString({ method: 'POST', path, body });
    const request = change({ method: 'POST', path, query, body, headers: { 'Content-Type': 'application/json' } });
    return call(`http://127.0.0.1:${server.port}${request.path}?${request.query}`, request);
  }

  test('brings what the official server package triggers to pusher-js', async () => {
    const client = server.client();
    const heard = [];
    client.subscribe('private-workspace.5').bind('an-event', (data) => heard.push(data));
    await until('the client is subscribed', () => server.subscribers('private-workspace.5') > 0);
    await trigger();
    await until('the event arrives', () => heard.length > 0);
    assert.deepEqual(heard, [event]);
    client.disconnect();
    await until('the client has left', () => server.subscribers('private-workspace.5') === 0);
  });

  for (const broadcaster of ['reverb', 'pusher']) {
    test(`brings it to Laravel Echo, broadcaster ${broadcaster}, in order and to one channel only`, async () => {
      const page = await heardBy(server.echo({ broadcaster }), 'workspace.6');
      const other = await heardBy(server.echo({ broadcaster }), 'workspace.7');
      const app = application(server);
      for (let n = 0; n < 20; n++) await app.trigger('private-workspace.6', 'account-status-changed', { n });
      await app.trigger('private-workspace.7', 'qr-code-generated', { n: 20 });
      await until('everything arrives', () => page.length === 20 && other.length === 1);
      assert.deepEqual(page, Array.from({ length: 20 }, (_, n) => ({ name: 'account-status-changed', data: { n } })));
      assert.deepEqual(other, [{ name: 'qr-code-generated', data: { n: 20 } }]);
    });
  }

  test('refuses a subscription that is signed for another socket, another channel or with another secret', async () => {
    const other = new Pusher({ appId: '1', key: server.app.key, secret: 'another' });
    const wrong = [
      (id, channel) => server.official.authorizeChannel(`${id}1`, channel),
      (id) => server.official.authorizeChannel(id, 'private-workspace.80'),
      (id, channel) => other.authorizeChannel(id, channel),
      () => ({ auth: '' }),
    ];
    for (const authorize of wrong) {
      const client = server.client({ authorize });
      const errors = [];
      client.connection.bind('error', ({ data }) => errors.push(data.code));
      client.subscribe('private-workspace.8');
      await until('the client is refused', () => errors.length > 0);
      assert.deepEqual(errors, [4009]);
      assert.equal(server.subscribers('private-workspace.8'), 0);
      client.disconnect();
    }
  });

  test('records a request with all that was asked', async () => {
    const began = Date.now() * 1000;
    await trigger();
    assert.equal(server.requests.length, 1);
    const [{ at, name, channel, data, wrong, status }] = server.requests;
    /* Of two clocks, which are set apart from each other. */
    assert.ok(at >= began - 10e6 && at <= Date.now() * 1000 + 10e6);
    assert.deepEqual({ name, channel, data, wrong, status },
      { name: 'an-event', channel: 'private-workspace.5', data: event, wrong: null, status: 200 });
  });

  test('counts each byte of a request, and refuses one that has too many', async (t) => {
    const body = '{"name":"é","channels":["a"],"data":"{}"}';
    const head = 'POST /apps/1/events?x=1 HTTP/1.1\r\nHost: peer\r\nContent-Type: application/json\r\n'
      + `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n`;
    const small = await startPusher({ maxBytes: Buffer.byteLength(head + body) - 1 });
    t.after(() => small.end());
    for (const { port } of [server, small]) {
      await new Promise((resolve) => connect(port, '127.0.0.1').on('close', resolve).resume().end(head + body));
    }
    assert.deepEqual([server, small].map(({ requests: [{ bytes, status }] }) => ({ bytes, status })),
      [404, 413].map((status) => ({ bytes: Buffer.byteLength(head + body), status })));
  });

  test('keeps a connection, and tells connections apart', async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let i = 0; i < 3; i++) await trigger({ agent });
    agent.destroy();
    await trigger({ agent: new Agent() });
    const [first, second, third, other] = server.requests.map(({ connection }) => connection);
    assert.deepEqual([second, third], [first, first]);
    assert.notEqual(other, first);
  });

  describe('refuses', () => {
    const query = (change) => (request) => ({ ...request, query: change(request.query) });
    const resigned = ({ body, ...request }, change) => {
      const changed = change(body);
      return { ...request, body: changed, query: application(server).createSignedQueryString({ method: 'POST',
        path: request.path, body: changed }) };
    };
    const cases = {
      'a signature that is not lower-case': [401, query((text) =>
        text.replace(/(?<=signature=)\w+/, (hex) => hex.toUpperCase()))],
      'no signature': [401, query((text) => text.replace(/&auth_signature=\w+/, ''))],
      'two signatures': [401, query((text) => `${text}&auth_signature=x`)],
      'another body than the signed one': [401, (request) => ({ ...request, body: request.body.replace('5', '6') })],
      'another md5 than the signed one': [401, query((text) => text.replace(/(?<=md5=)\w/, (digit) =>
        (digit === '0' ? '1' : '0')))],
      'another path than the signed one': [404, (request) => ({ ...request, path: '/apps/1/events' })],
      'another key': [401, query((text) => text.replace(/(?<=auth_key=)\w/, 'x'))],
      'a parameter that is not signed': [401, query((text) => `${text}&info=1`)],
      'parameters in another order': [401, query((text) => text.split('&').reverse().join('&'))],
      'a time that is long ago': [401, (request) => {
        const clock = Date.now;
        Date.now = () => clock() - 700_000;
        try {
          return resigned(request, (body) => body);
        } finally {
          Date.now = clock;
        }
      }],
      'data that is no text': [422, (request) => resigned(request, (body) => body.replace('"{}"', '{}'))],
      'an event without a channel': [422, (request) => resigned(request, (body) => body.replace(/\[.*\]/, '[]'))],
      'another type of body': [422, (request) => ({ ...request, headers: { 'Content-Type': 'text/plain' } })],
    };
    test('nothing that is right', async () => assert.equal((await post()).status, 200));
    for (const [what, [status, change]] of Object.entries(cases)) {
      test(what, async () => {
        assert.equal((await post(change)).status, status);
        assert.equal(server.requests.length, 1);
        assert.equal(typeof server.requests[0].wrong, 'string');
      });
    }
    test('the official package with a wrong secret or key', async () => {
      await assert.rejects(trigger({ secret: 'another' }), refusedWith(401, /auth_signature/));
      await assert.rejects(trigger({ key: newApp().key }), refusedWith(401, /auth_key/));
    });
    test('a page with a wrong key', async () => {
      const errors = [];
      const client = server.client({ key: newApp().key });
      client.connection.bind('error', ({ error }) => errors.push(error.data.code));
      await until('the client is refused', () => errors.length > 0);
      assert.equal(errors[0], 4001);
      await until('the client gives up', () => client.connection.state === 'disconnected');
    });
  });

  describe('when told so', () => {
    test('answers with another status, and the request is recorded as right', async () => {
      server.behave(({ name }) => (name === 'an-event' ? { status: 503, headers: { 'Retry-After': '2' }, body: 'later' }
        : undefined));
      const answer = await post();
      assert.equal(answer.status, 503);
      assert.equal(answer.headers['retry-after'], '2');
      assert.equal(answer.text, 'later');
      assert.equal(server.requests[0].wrong, null);
      assert.equal(server.requests[0].status, 503);
    });

    for (const fault of ['close', 'drop', 'garbage']) {
      test(`gives no answer: ${fault}`, async () => {
        server.behave(() => fault);
        await assert.rejects(post());
        assert.equal(server.requests[0].status, null);
      });
    }

    test('hangs until the client gives up', async () => {
      server.behave(() => 'hang');
      await assert.rejects(trigger({ timeout: 3000 }));
      assert.equal(server.requests[0].status, null);
      await until('nothing is open', () => server.open === 0);
    });

    test('waits first, for a time or for the test', async () => {
      let release;
      const gate = new Promise((resolve) => (release = resolve));
      server.behave(() => gate);
      const held = post();
      await server.received(1);
      assert.equal(server.open, 1);
      release({ after: 20 });
      assert.equal((await held).status, 200);
    });

    test('refuses connections until it is started again, on the same port', async () => {
      const { port } = server;
      server.behave(() => 'hang');
      const hanging = assert.rejects(post());
      await server.received(1);
      await server.stop();
      await hanging;
      assert.equal(await accepts({ host: '127.0.0.1', port }), false);
      server.behave(undefined);
      await server.start();
      assert.equal(server.port, port);
      await trigger();
    });
  });

  test('with a certificate speaks TLS only', async (t) => {
    const dir = makeDirectory('wa-peers-');
    t.after(() => removeDirectory(dir));
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=a test',
      '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', 'key.pem', '-out', 'cert.pem'],
    { cwd: dir, stdio: 'ignore' });
    const [key, cert] = ['key', 'cert'].map((name) => readFileSync(`${dir}/${name}.pem`));
    const secure = await startPusher({ tls: { key, cert } });
    t.after(() => secure.end());
    await application(secure, { agent: new TlsAgent({ ca: cert }) }).trigger('a-channel', 'an-event', event);
    await assert.rejects(application(secure).trigger('a-channel', 'an-event', event));
    await assert.rejects(application(secure, { scheme: 'http' }).trigger('a-channel', 'an-event', event));
    assert.equal(secure.requests.length, 1);
    assert.equal(secure.env().REVERB_SCHEME, 'https');
  });
});

describe('the Node.js service', () => {
  let node;
  before(async () => (node = await startNodeService()));
  after(() => node.stop());
  afterEach(() => {
    node.behave(undefined);
    node.adds(() => ({}));
    node.forget();
    node.sessions.clear();
  });

  const sid = 'webjs_5_1763000000_AbCdEfGh';
  const api_key = () => node.key;
  const ask = (method, path, body, headers = { 'X-API-Key': node.key }) => call(`${node.url}/api/sessions${path}`,
    { method, body: body && JSON.stringify(body), headers: { 'Content-Type': 'application/json', ...headers } });
  const create = () => ask('POST', '', { workspace_id: 5, account_id: 7, session_id: sid, api_key: api_key() });
  const work = (method, path) => ask(method, `/${sid}${path}`, { workspace_id: 5, account_id: 7, api_key: api_key() });
  const status = () => ask('GET', `/${sid}/status?workspace_id=5&api_key=${api_key()}`);

  test('knows a session from its connect to its disconnect', async () => {
    const steps = [() => work('POST', '/reconnect'), () => work('POST', '/regenerate-qr'), status,
      () => work('DELETE', '')];
    for (const step of steps) {
      const answer = await step();
      assert.equal(answer.status, 404);
      assert.deepEqual(answer.json, { success: false, error: 'Session not found' });
    }
    assert.equal((await create()).status, 200);
    assert.deepEqual(node.sessions.get(sid), { workspace_id: 5, account_id: 7, status: 'qr_scanning' });
    for (const step of steps) assert.equal((await step()).status, 200);
    assert.equal(node.sessions.size, 0);
    assert.deepEqual(node.requests.map(({ command, session }) => ({ command, session })),
      ['reconnect', 'regenerate-qr', 'status', 'disconnect', 'connect', 'reconnect', 'regenerate-qr', 'status',
        'disconnect'].map((command) => ({ command, session: sid })));
  });

  test('wants its key twice', async () => {
    const body = { workspace_id: 5, account_id: 7, session_id: sid };
    const attempts = [
      ask('POST', '', body), ask('POST', '', { ...body, api_key: 'x' }),
      ask('POST', '', { ...body, api_key: api_key() }, {}),
      ask('POST', '', { ...body, api_key: api_key() }, { 'X-API-Key': 'x' }),
      ask('GET', `/${sid}/status?workspace_id=5`), ask('GET', `/${sid}/status?api_key=x`),
      ask('GET', `/${sid}/status?api_key=${api_key()}`, undefined, {}),
    ];
    for (const answer of await Promise.all(attempts)) assert.equal(answer.status, 401);
    assert.equal(node.sessions.size, 0);
  });

  test('adds to its answers what a test wants', async () => {
    node.adds(({ command }) => ({ qr_code: `QR of ${command}` }));
    assert.equal((await create()).json.qr_code, 'QR of connect');
    assert.equal((await work('POST', '/regenerate-qr')).json.qr_code, 'QR of regenerate-qr');
    assert.equal((await status()).json.qr_code, undefined);
  });

  test('counts how many requests were open at one time', async () => {
    let release;
    const gate = new Promise((resolve) => (release = resolve));
    node.behave(() => gate);
    const created = [create(), create(), create()];
    await node.received(3);
    release();
    await Promise.all(created);
    assert.equal(node.mostOpen, 3);
    await until('none is open', () => node.open === 0);
  });
});

test('the md5 that the check of a request rests on is the official package\'s', () => {
  const app = newApp();
  const body = 'schön';
  const query = new Pusher({ appId: app.id, key: app.key, secret: app.secret })
    .createSignedQueryString({ method: 'POST', path: '/', body });
  assert.equal(new URLSearchParams(query).get('body_md5'), createHash('md5').update(body).digest('hex'));
});
