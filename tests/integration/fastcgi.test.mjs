// What a peer may send over FastCGI that nginx never would, straight to the
// pool's socket: nobody is let in by it, nothing runs twice or by half, and
// the workers go on.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { BASE } from './lib/expect.mjs';
import { begin, decode, dial, encode, pairs, parameters, parse, record, signedParameters, stream,
  types } from './lib/fcgi-client.mjs';
import { connected } from './lib/fixtures.mjs';
import { allCounted, events, metrics, total } from './lib/observe.mjs';
import { until } from './lib/processes.mjs';
import { whileLocked } from './lib/session.mjs';
import { source, startStack } from './lib/stack.mjs';

const local = { params: { WA_LOCAL: '1' } };

/* One worker: whatever was sent before is done when it answers the next question. */
let stack, account;
before(async () => {
  stack = await startStack({ nginx: false, env: { WA_WORKERS: 1 } });
  account = await stack.account(connected({ workspace_id: await stack.workspace() }));
});
after(() => stack?.stop());
afterEach(async () => {
  assert.equal((await stack.fcgi('GET', '/healthz', local)).status, 200);
  assert.deepEqual(events(stack.log(), 'child_ended'), [], 'no worker died');
});

const health = { ...parameters('GET', '/healthz'), WA_LOCAL: '1' };
const markOf = (one) => [`${BASE}/${one.uuid}/mark-disconnected`, JSON.stringify({ workspace_id: one.workspace_id })];

/** A signed request that would change this account. */
function markParameters(one) {
  const [path, body] = markOf(one);
  return [signedParameters(stack, 'POST', path, body), Buffer.from(body)];
}

/** Bytes on a connection of their own; `end`: then nothing more. What came back. */
async function say(bytes, { end = false } = {}) {
  const line = dial(stack.where);
  await line.send(bytes);
  if (end) line.end();
  return line.closed;
}

/** How many requests have run, and how many connections were refused before one did. */
async function counts() {
  const series = await metrics(stack);
  const asked = series['wa_requests_total{route="ops.metrics",status="200"}'] ?? 0;
  return { ran: total(series, 'wa_requests_total') - asked, broken: series.wa_broken_requests_total,
    abandoned: series.wa_abandoned_requests_total };
}

async function isUntouched(one) {
  const { account: now, events: sent } = await stack.state(one.id);
  assert.deepEqual(now, one);
  assert.deepEqual(sent, []);
}

/** `bytes` make a connection that ends without an answer, and no handler runs. */
async function isRefused(bytes, options) {
  const earlier = await counts();
  const { stdout } = decode(await say(bytes, options));
  assert.equal(stdout.toString(), '');
  const now = await counts();
  assert.equal(now.ran, earlier.ran, 'no handler ran');
  assert.equal(now.broken, earlier.broken + 1);
}

describe('a request that is not whole', () => {
  test('whatever of it is missing at the end, it does not run', async () => {
    const bytes = encode(...markParameters(account));
    for (let length = 0; length < bytes.length; length++) await say(bytes.subarray(0, length), { end: true });
    await isUntouched(account);
    assert.equal(parse(await say(bytes)).status, 200, 'all of it runs');
    account = (await stack.state(account.id)).account;
    await stack.sql('DELETE FROM wa_outbox');
  });

  test('parameters that end in the middle of one are refused', async () => {
    const [all, body] = markParameters(account);
    const last = { REMOTE_ADDR: '127.0.0.1' };   /* not needed: a server that overlooks the cut runs the request */
    const others = { ...all };
    delete others.REMOTE_ADDR;
    const tail = pairs(last);
    for (let cut = 1; cut < tail.length; cut++) {
      const content = Buffer.concat([pairs(others), tail.subarray(0, cut)]);
      await isRefused(Buffer.concat([begin(), stream(types.PARAMS, content), record(types.PARAMS),
        stream(types.STDIN, body), record(types.STDIN)]));
    }
    await isUntouched(account);
  });

  test('parameters that never end are refused', async () => {
    const [all, body] = markParameters(account);
    const bytes = Buffer.concat([begin(), stream(types.PARAMS, pairs(all)), stream(types.STDIN, body),
      record(types.STDIN)]);
    await isRefused(bytes, { end: true });
    await isUntouched(account);
  });

  test('nothing at all is no harm', async () => {
    const earlier = await counts();
    for (let i = 0; i < 20; i++) await say(Buffer.alloc(0), { end: true });
    assert.equal((await counts()).ran, earlier.ran);
  });
});

describe('a body', () => {
  /** A signed mark-disconnected with this CONTENT_LENGTH and this stdin. */
  function withLength(value, bytes) {
    const [all, body] = markParameters(account);
    const params = { ...all, CONTENT_LENGTH: value };
    if (value === undefined) delete params.CONTENT_LENGTH;
    return say(encode(params, bytes ?? body));
  }

  test('longer or shorter than CONTENT_LENGTH is a 400', async () => {
    const [, body] = markParameters(account);
    const size = body.length;
    for (const value of [size - 1, size + 1, 1, size + 10_000]) {
      const answer = parse(await withLength(value));
      assert.equal(answer.status, 400, `${value} of ${size}`);
      assert.equal(answer.json.code, 'bad_request');
    }
    for (const value of [0, undefined, '']) assert.equal(parse(await withLength(value)).status, 400, 'none announced');
    assert.equal(parse(await withLength(size, '')).status, 400, 'none sent');
    await isUntouched(account);
  });

  test('with a CONTENT_LENGTH that is no number is a 400', async () => {
    const [, body] = markParameters(account);
    const n = body.length;
    for (const value of ['abc', '-1', `+${n}`, ` ${n}`, `${n} `, `0x${n.toString(16)}`, `${n}.0`, `${n};`, `${n},${n}`,
      '1e2', '18446744073709551616', '18446744073709551615', '9'.repeat(200)]) {
      const { status } = parse(await withLength(value));
      assert.ok([400, 413].includes(status), `${status} for ${value}`);
    }
    await isUntouched(account);
  });

  test('in many small records is one body', async () => {
    const one = await stack.account(connected({ workspace_id: account.workspace_id }));
    const [all, body] = markParameters(one);
    const records = [...body].map((byte) => record(types.STDIN, Buffer.from([byte])));
    const answer = parse(await say(Buffer.concat([begin(), ...[...pairs(all)].map((byte) => record(types.PARAMS,
      Buffer.from([byte]))), record(types.PARAMS), ...records, record(types.STDIN)])));
    assert.equal(answer.status, 200, answer.text);
    assert.equal((await stack.state(one.id)).account.connection_status, 'disconnected');
  });

  /* More than a socket's buffer holds: an answer that does not wait for it meets a client that still writes. */
  for (const [name, size] of Object.entries({ '900 kB': 900_000, '8 MB': 8_000_000 })) {
    test(`of ${name} that is refused unread still gets its answer, whole`, async () => {
      const body = Buffer.alloc(size, 0x20);
      const ask = async (method, path, params = {}) =>
        parse(await say(encode({ ...parameters(method, path, { body }), ...params }, body)));
      const tooLarge = await ask('POST', `${BASE}/broadcast`);
      assert.equal(tooLarge.status, 413);
      assert.equal(tooLarge.json.code, 'payload_too_large');
      assert.equal((await ask('POST', '/no/such/route')).status, 404);
      const wrongMethod = await ask('DELETE', `${BASE}/broadcast`);
      assert.equal(wrongMethod.status, 405);
      assert.equal(wrongMethod.headers.allow, 'POST');
      assert.equal((await ask('POST', `${BASE}/broadcast`, { CONTENT_LENGTH: '100' })).status, 400);
    });
  }

  test('of the largest size, unsigned, is a 401', async () => {
    const body = Buffer.alloc(256 * 1024, 0x20);
    const answer = parse(await say(encode(parameters('POST', `${BASE}/broadcast`, { body }), body)));
    assert.equal(answer.status, 401);
  });
});

describe('a second request on one connection', () => {
  /** One whole answer, and the connection is over. */
  function oneAnswer(bytes) {
    const { records } = decode(bytes);
    assert.equal(records.filter((one) => one.type === types.END).length, 1);
    assert.equal(records.at(-1).type, types.END);
    return parse(bytes);
  }

  test('does not run: the connection is closed after the first, whatever its peer asks', async () => {
    for (const keep of [true, false]) {
      const first = encode(health, '', { keep });
      const second = encode(...markParameters(account), { keep });
      assert.equal(oneAnswer(await say(Buffer.concat([first, second]))).status, 200, 'both sent at once');
      const line = dial(stack.where);
      await line.send(first);
      await until('the first is answered', () => decode(line.came()).ended);
      await line.send(second);
      assert.equal(oneAnswer(await line.closed).status, 200);
    }
    await isUntouched(account);
  });

  /*
   * A client of nginx chooses the bytes of a body. Where a server goes on
   * reading requests after one whose body it did not read to its end, records
   * in the body are a request, with any parameters.
   */
  test('that is forged in a body does not run', async (t) => {
    const refusals = {
      'unknown route, 404': ['POST', '/no/such/route', {}],
      'wrong method, 405': ['DELETE', `${BASE}/broadcast`, {}],
      'too large, 413': ['POST', `${BASE}/${account.uuid}/mark-disconnected`, {}],
      'shorter than announced, 400': ['POST', `${BASE}/broadcast`, { CONTENT_LENGTH: '200000' }],
      'longer than announced, 400': ['POST', `${BASE}/broadcast`, { CONTENT_LENGTH: '10' }],
      'length is no number, 400': ['POST', `${BASE}/broadcast`, { CONTENT_LENGTH: 'ten' }],
      'unsigned, 401': ['POST', `${BASE}/broadcast`, {}],
    };
    const forged = encode(...markParameters(account), { keep: true });
    for (const [name, [method, path, more]] of Object.entries(refusals)) {
      await t.test(name, async () => {
        for (const start of [0, 1, 8, 100]) {
          const params = { ...parameters(method, path, { body: 'x' }), CONTENT_LENGTH: '120000', ...more };
          const head = Buffer.concat([begin(1, { keep: true }), stream(types.PARAMS, pairs(params)),
            record(types.PARAMS)]);
          /* One request follows another from `start` on; and one begins at each edge of a reader's 8 KiB. */
          const body = Buffer.alloc(120_000);
          for (let at = start; at + forged.length <= body.length; at += forged.length) forged.copy(body, at);
          const edge = (at) => at - head.length - 8 * (1 + Math.floor(at / 65535));
          for (let at = 8192; edge(at) + forged.length <= body.length; at += 8192) {
            if (edge(at) >= 0) forged.copy(body, edge(at));
          }
          const answer = oneAnswer(await say(Buffer.concat([head, stream(types.STDIN, body), record(types.STDIN)])));
          assert.match(String(answer.status), /^4/);
          assert.ok(name.includes(answer.status), `${answer.status}: ${name}`);
        }
        await isUntouched(account);
      });
    }
  });
});

describe('an abandoned request', () => {
  test('is not run: its client had gone before a worker came to it', async () => {
    const other = await stack.account(connected({ workspace_id: account.workspace_id }));
    const busy = await stack.account(connected({ workspace_id: account.workspace_id }));
    const earlier = await counts();
    await whileLocked(stack, busy, async (lock) => {
      const [path, body] = markOf(busy);
      const first = stack.fcgiSigned('POST', path, body);
      await lock.waiting(1);
      for (let i = 0; i < 10; i++) {
        const line = dial(stack.where);
        await line.send(encode(...markParameters(other)));
        line.drop();
        await line.closed;
      }
      await lock.release();
      assert.equal((await first).status, 200);
    });
    const now = await counts();
    assert.equal(now.abandoned, earlier.abandoned + 10);
    assert.equal(now.ran, earlier.ran + 1);
    await isUntouched(other);
  });
});

describe('parameters', () => {
  const content = (...list) => Buffer.concat(list.map((one) => pairs(one)));
  const ask = async (bytes) => parse(await say(Buffer.concat([begin(), stream(types.PARAMS, bytes),
    record(types.PARAMS), record(types.STDIN)])));

  test('of 100 kB are refused, of 60 kB read', async () => {
    const long = (size) => encode({ ...health, HTTP_COOKIE: 'x'.repeat(size) });
    const many = (count) => encode({ ...health,
      ...Object.fromEntries(Array.from({ length: count }, (_, i) => [`HTTP_X_${i}`, 'x'.repeat(80)])) });
    await isRefused(long(100_000));
    await isRefused(many(1100));
    assert.equal(parse(await say(long(60_000))).status, 200);
    assert.equal(parse(await say(many(500))).status, 200);
  });

  test('the first of two equal names wins', async () => {
    const { DOCUMENT_URI, ...rest } = health;
    assert.equal((await ask(content(rest, { DOCUMENT_URI: '/no' }, { DOCUMENT_URI }))).status, 404);
    assert.equal((await ask(content(rest, { DOCUMENT_URI }, { DOCUMENT_URI: '/no' }))).status, 200);
    const { WA_LOCAL, ...outside } = health;
    assert.equal((await ask(content(outside, { WA_LOCAL: '' }, { WA_LOCAL }))).status, 404);
    assert.equal((await ask(content(outside, { WA_LOCAL: '0' }, { WA_LOCAL }))).status, 404);
  });

  test('that are needed and missing, or empty, are a refusal', async () => {
    for (const name of ['REQUEST_METHOD', 'DOCUMENT_URI', 'WA_LOCAL']) {
      const { [name]: _, ...rest } = health;
      for (const list of [rest, { ...rest, [name]: '' }]) {
        const { status } = await ask(content(list));
        assert.ok([404, 405].includes(status), `${status} without ${name}`);
      }
    }
    assert.match(String((await ask(Buffer.alloc(0))).status), /^40[45]$/, 'none at all');
  });

  test('whose names differ in case, or hold another name, are others', async () => {
    const { WA_LOCAL, ...outside } = health;
    for (const more of [{ wa_local: '1' }, { WA_LOCAL_: '1' }, { HTTP_WA_LOCAL: '1' }, { 'X=1\0WA_LOCAL': '1' },
      { REMOTE_ADDR: '1\0WA_LOCAL=1' }, { 'WA_LOCAL ': '1' }, { '': 'WA_LOCAL=1' }]) {
      assert.equal((await ask(content({ ...outside, ...more }))).status, 404, JSON.stringify(more));
    }
  });

  test('with a NUL byte open no route and no account that the bytes before it do not', async () => {
    const [path, body] = markOf(account);
    const signed = signedParameters(stack, 'POST', path, body);
    for (const [name, value] of Object.entries({
      DOCUMENT_URI: `${BASE}/x\0/../${account.uuid}/mark-disconnected`,
      REQUEST_METHOD: 'GET\0POST',
      HTTP_X_HMAC_SIGNATURE: `\0${signed.HTTP_X_HMAC_SIGNATURE}`,
      HTTP_X_TIMESTAMP: `17\0${signed.HTTP_X_TIMESTAMP}`,
      CONTENT_LENGTH: `1\0${body.length}`,
    })) {
      const { status } = parse(await say(encode({ ...signed, [name]: value }, body)));
      assert.match(String(status), /^4/, name);
    }
    for (const name of Object.keys(signed)) {
      const bytes = encode({ ...signed, [name]: '\0' }, body);
      if (!['REMOTE_ADDR', 'REQUEST_ID', 'CONTENT_TYPE'].includes(name)) {
        assert.match(String(parse(await say(bytes)).status), /^4/, name);
      }
    }
    await isUntouched(account);
  });
});

describe('the answer', () => {
  const known = new Set(['ordinary', '-', '0123456789abcdef0123456789abcdef', 'A'.repeat(64)]);

  test('carries the request id that nginx gave, or a new one where there is none that is sound', async () => {
    const idOf = async (id) => {
      const params = { ...health, REQUEST_ID: id };
      if (id === undefined) delete params.REQUEST_ID;
      return parse(await say(encode(params))).headers['x-request-id'];
    };
    for (const id of known) assert.equal(await idOf(id), id);
    const made = new Set();
    for (const id of [undefined, '', 'A'.repeat(65), 'two words', 'a\r\nSet-Cookie: a=b', 'a\nb', 'é', '"', '<b>',
      '../..', '\0x']) {
      const now = await idOf(id);
      assert.match(now, /^[-0-9a-f]{32,36}$/, JSON.stringify(id));
      made.add(now);
    }
    assert.equal(made.size, 11, 'each its own');
    await allCounted(stack);
    const logged = new Set(events(stack.log(), 'request').map((line) => line.id));
    for (const id of [...known, ...made]) assert.ok(logged.has(id), `the log has ${id}`);
  });

  test('has a Content-Length that is its body\'s, a type, and says how it may be kept', async () => {
    for (const [method, path] of [['GET', '/healthz'], ['GET', '/readyz'], ['GET', '/metrics'], ['GET', '/no'],
      ['POST', '/healthz'], ['GET', `${BASE}/active`]]) {
      const { headers, text } = await stack.fcgi(method, path, local);
      assert.equal(headers['content-length'], String(Buffer.byteLength(text)), path);
      assert.match(headers['content-type'], path === '/metrics' ? /^text\/plain/ : /^application\/json/);
      assert.match(headers['cache-control'], /no-cache/);
    }
  });

  test('to HEAD is that to GET without the body', async () => {
    for (const path of ['/healthz', `${BASE}/${account.uuid}/status`, '/no']) {
      const [get, head] = await Promise.all(['GET', 'HEAD'].map((method) => stack.fcgiSigned(method, path, undefined,
        local)));
      assert.equal(head.status, get.status);
      assert.equal(head.text, '');
      assert.equal(head.headers['content-length'], get.headers['content-length']);
      assert.equal(head.headers['content-type'], get.headers['content-type']);
    }
  });

  test('is the same with slashes at the end of the path, and "/" is a path like any other', async () => {
    for (const path of ['/healthz/', '/healthz///']) assert.equal((await stack.fcgi('GET', path, local)).status, 200);
    const answer = await stack.fcgiSigned('GET', `${BASE}/${account.uuid}/status/`);
    assert.equal(answer.json.uuid, account.uuid);
    for (const path of ['/', '//', '/healthz/x', '/x/healthz', '//healthz', 'healthz']) {
      assert.equal((await stack.fcgi('GET', path, local)).status, 404, path);
    }
  });

  test('to a method that nobody knows is a 405, with what the path does answer', async () => {
    for (const method of ['PATCH', 'OPTIONS', 'TRACE', 'get', 'G', 'GETT', 'x'.repeat(1000)]) {
      const answer = await stack.fcgi(method, '/healthz', local);
      assert.equal(answer.status, 405, method);
      assert.match(answer.headers.allow, /\bGET\b/);
    }
  });
});

test('silent peers keep a worker each, and the others go on serving', async (t) => {
  const own = await startStack({ nginx: false, env: { WA_WORKERS: 3 } });
  t.after(() => own.stop());
  const half = encode(health).subarray(0, 30);
  const silent = [Buffer.alloc(0), half].map((bytes) => {
    const line = dial(own.where);
    line.send(bytes);
    return line;
  });
  await Promise.all(silent.map((line) => line.open));
  await until('two are busy', async () => (await metrics(own))['wa_workers{state="busy"}'] === 3);
  for (let i = 0; i < 50; i++) assert.equal((await own.fcgi('GET', '/healthz', local)).status, 200);
  for (const line of silent) line.drop();
  await until('they are free again', async () => (await metrics(own))['wa_workers{state="idle"}'] === 2);
  assert.deepEqual(events(own.log(), 'child_ended'), []);
});

describe('no FastCGI that makes sense', () => {
  let own, victim;
  before(async () => {
    /* What the library forgets when it is spoken to like this is none of ours. */
    process.env.LSAN_OPTIONS = `suppressions=${source}/tests/integration/lib/libfcgi-leaks.supp:print_suppressions=0`;
    own = await startStack({ nginx: false, env: { WA_WORKERS: 2 } });
    delete process.env.LSAN_OPTIONS;
    victim = await own.account(connected({ workspace_id: await own.workspace() }));
  });
  after(() => own?.stop());

  const begun = (role, id = 1) => begin(id, { role });
  const whole = (...records) => Buffer.concat([...records, stream(types.PARAMS, pairs(health)), record(types.PARAMS),
    record(types.STDIN)]);
  const raw = (...bytes) => Buffer.from(bytes);
  const lengths = (name, value) => {
    const four = (n) => [0x80 | (n >>> 24), (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
    return Buffer.concat([begin(), record(types.PARAMS, Buffer.from([...four(name), ...four(value), 0x41, 0x42])),
      record(types.PARAMS), record(types.STDIN)]);
  };
  /* A sequence that is the same each time. */
  const noise = (size, seed) => {
    let state = seed;
    return Buffer.from(Array.from({ length: size }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state >>> 24;
    }));
  };

  const cases = {
    'the question for values': [record(9, pairs({ FCGI_MAX_CONNS: '', FCGI_MAX_REQS: '', FCGI_MPXS_CONNS: '' }), 0)],
    'a question for very many values': [record(9, Buffer.concat(Array.from({ length: 300 }, () => pairs({
      FCGI_MAX_CONNS: '', FCGI_MAX_REQS: '', FCGI_MPXS_CONNS: '' }))), 0)],
    'a question for a value with a long name': [record(9, pairs({ ['F'.repeat(5000)]: 'x'.repeat(5000) }), 0)],
    'an unknown management record': [record(99, Buffer.alloc(100), 0)],
    'an unknown record': [begin(), record(99, Buffer.alloc(8)), whole()],
    'an abort before the request': [record(types.ABORT), whole(begin())],
    'an abort in the middle of it': [begin(), record(types.ABORT), stream(types.PARAMS, pairs(health))],
    'an abort behind the parameters': [begin(), stream(types.PARAMS, pairs(health)), record(types.PARAMS),
      record(types.ABORT), record(types.STDIN)],
    'another request among the parameters': [begin(), begin(2), whole()],
    'records of another request': [begin(), record(types.PARAMS, pairs({ WA_LOCAL: '1' }), 2), whole()],
    'the role of an authorizer': [whole(begun(2))],
    'the role of a filter': [whole(begun(3))],
    'a role that is none': [whole(begun(999))],
    'a beginning that is too short': [record(types.BEGIN, raw(0, 1)), whole()],
    'a beginning that is too long': [record(types.BEGIN, Buffer.alloc(1000)), whole()],
    'another version': [raw(2, 1, 0, 1, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0)],
    'parameters without a beginning': [whole()],
    'a body without a beginning': [record(types.STDIN, Buffer.alloc(100)), record(types.STDIN)],
    'answers instead of questions': [record(types.STDOUT, Buffer.from('Status: 200\r\n\r\n')), record(types.END,
      Buffer.alloc(8))],
    'HTTP': [Buffer.from('GET /healthz HTTP/1.1\r\nHost: localhost\r\nWA-Local: 1\r\n\r\n'.repeat(10))],
    'TLS': [raw(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3), noise(600, 7)],
    'lengths of 2 GiB': [lengths(0x7fffffff, 0x7fffffff)],
    'lengths whose sum is too large for an int': [lengths(0x7fffffff, 1)],
    'a length of 1 GiB': [lengths(1, 0x40000000)],
    'padding': [Buffer.concat([raw(1, 1, 0, 1, 0, 8, 255, 0, 0, 1, 0, 0, 0, 0, 0, 0), Buffer.alloc(255), whole()])],
  };

  for (const [name, parts] of Object.entries(cases)) {
    test(`${name}: the pool goes on`, async () => {
      const line = dial(own.where);
      await line.send(Buffer.concat(parts));
      line.end();
      await line.closed;
      await goesOn();
    });
  }

  test('noise: the pool goes on', async () => {
    for (let seed = 1; seed <= 30; seed++) {   /* a worker that dies of it comes back after a longer and longer pause */
      const line = dial(own.where);
      /* Half of it with a true header, so that it is looked at. */
      await line.send(seed % 2 ? noise(seed * 10, seed) : Buffer.concat([begin(), record(seed % 13, noise(seed * 10,
        seed), seed % 3)]));
      line.end();
      await line.closed;
    }
    await goesOn();
  });

  async function goesOn() {
    await until('it has two workers', () => own.children().length === 2);
    await until('it serves', async () => (await own.fcgi('GET', '/healthz', local)).status === 200);
    const { account: now } = await own.state(victim.id);
    assert.deepEqual(now, victim);
  }
});
