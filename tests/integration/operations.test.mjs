// /healthz, /readyz and /metrics: what nginx, a balancer and Prometheus are told.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { BASE } from './lib/expect.mjs';
import { connected } from './lib/fixtures.mjs';
import { until } from './lib/processes.mjs';
import { openSession } from './lib/session.mjs';
import { signedHeaders, unixSeconds } from './lib/sign.mjs';
import { startStack } from './lib/stack.mjs';

let stack;
const env = { WHATSAPP_HMAC_PREVIOUS_SECRETS: 'retired-but-long-enough-0123456789' };
before(async () => (stack = await startStack({ env })));
after(() => stack?.stop());

const sample = /^((\w+?(?:_bucket|_sum|_count)?)(?:\{[^}]*\})?) (\S+)$/;

/** {'name{label="value"}': number}; every sample belongs to a family that was announced. */
async function metrics() {
  const answer = await stack.call('GET', '/metrics');
  assert.equal(answer.status, 200);
  assert.match(answer.headers['content-type'], /^text\/plain; version=0\.0\.4/);
  const samples = {};
  const types = {};
  for (const line of answer.text.trimEnd().split('\n')) {
    const announced = line.match(/^# (HELP|TYPE) (\w+) (.+)$/);
    if (announced) {
      if (announced[1] === 'TYPE') types[announced[2]] = announced[3];
      continue;
    }
    assert.match(line, sample);
    const [, name, family, value] = line.match(sample);
    assert.ok(types[family] ?? types[family.replace(/_(bucket|sum|count)$/, '')], `no TYPE for ${line}`);
    assert.ok(!(name in samples), `twice: ${name}`);
    samples[name] = Number(value);
    assert.ok(Number.isFinite(samples[name]), line);
  }
  return samples;
}

/**
 * `work` adds this to the counters. A worker counts when it has answered, so
 * the last one may be a moment behind its answer.
 */
async function adds(expected, work) {
  const names = Object.keys(expected);
  const earlier = await metrics();
  await work();
  const added = async () => {
    const later = await metrics();
    return Object.fromEntries(names.map((name) => [name, (later[name] ?? 0) - (earlier[name] ?? 0)]));
  };
  await until('the counters', async () => isDeepStrictEqual(await added(), expected), { tries: 300 }).catch(() => {});
  assert.deepEqual(await added(), expected);
}

test('/healthz says that the process lives, /readyz that the database serves it', async () => {
  for (const path of ['/healthz', '/readyz']) {
    const answer = await stack.call('GET', path);
    assert.equal(answer.status, 200, answer.text);
    assert.match(answer.headers['content-type'], /^application\/json/);
  }
});

test('/metrics sums up the workers: requests by route and status, and how long they took', async () => {
  const account = await stack.account(connected({ workspace_id: await stack.workspace() }));
  await adds({
    'wa_requests_total{route="node.status",status="200"}': 24,
    'wa_requests_total{route="node.status",status="404"}': 3,
    'wa_requests_total{route="node.status",status="401"}': 1,
    'wa_request_duration_seconds_count{route="node.status"}': 28,
    'wa_request_duration_seconds_bucket{route="node.status",le="+Inf"}': 28,
  }, async () => {
    for (let i = 0; i < 24; i++) await stack.signed('GET', `${BASE}/${account.uuid}/status`);
    for (let i = 0; i < 3; i++) await stack.signed('GET', `${BASE}/webjs_1_1763000000_Unknown1/status`);
    await stack.call('GET', `${BASE}/${account.uuid}/status`);
  });
});

test('/metrics counts signatures by secret, and refusals by reason', async () => {
  const path = `${BASE}/active`;
  const send = (headers) => stack.call('GET', path, { headers });
  await adds({
    'wa_hmac_accepted_total{secret="current"}': 1,
    'wa_hmac_accepted_total{secret="previous"}': 1,
    'wa_hmac_refused_total{reason="missing"}': 1,
    'wa_hmac_refused_total{reason="expired"}': 1,
    'wa_hmac_refused_total{reason="milliseconds"}': 1,
    'wa_hmac_refused_total{reason="mismatch"}': 2,
  }, async () => {
    await stack.signed('GET', path);
    await stack.signed('GET', path, undefined, { secret: stack.settings.WHATSAPP_HMAC_PREVIOUS_SECRETS });
    await send({});
    await send(signedHeaders(stack.secret, '', unixSeconds() - 3600));
    await send(signedHeaders(stack.secret, '', Date.now()));
    await send(signedHeaders('another secret', ''));
    await send(signedHeaders('another secret', ''));
  });
});

test('/metrics tells the depth of the outbox, and the reports beyond WA_MAX_ACCOUNTS', async () => {
  const workspace_id = await stack.workspace();
  for (let i = 0; i < 10; i++) await stack.account(connected({ workspace_id }));
  const account = await stack.account({ workspace_id });
  await adds({
    'wa_outbox_depth{kind="event"}': 1,
    'wa_outbox_depth{kind="command"}': 0,
    'wa_connected_over_limit_total': 1,
  }, () => stack.signed('POST', `${BASE}/broadcast`,
    { event: 'account-status-changed', data: { account_id: account.uuid, workspace_id, status: 'connected' } }));
});

describe('a scrape of an outbox', () => {
  let account;
  before(async () => (account = await stack.account(connected({ workspace_id: await stack.workspace() }))));

  /** While `body` runs: every answer to others, who only ask for an account. */
  async function whileOthersAsk(body) {
    const answers = [];
    let going = true;
    const others = Promise.all([1, 2].map(async () => {
      while (going) answers.push(await stack.signed('GET', `${BASE}/${account.uuid}/status`));
    }));
    try {
      await body();
      const goal = answers.length + 20;   /* whoever is harmed, is harmed when it is over */
      await until('others were answered too', () => answers.length >= goal);
    } finally {
      going = false;
      await others;
    }
    return answers;
  }
  const areServed = (answers) => assert.deepEqual(answers.filter(({ status }) => status !== 200)
    .map(({ status, text }) => `${status} ${text}`), []);

  test('in which 200 000 rows wait tells its depth, and harms nobody else', async () => {
    await stack.sql(`DELETE FROM wa_outbox; INSERT INTO wa_outbox (account_id, workspace_id, state_version, kind, name,
        payload, created_at, available_at, expires_at)
      SELECT 1 + seq MOD 1000, 1, seq, IF(seq MOD 4 = 0, 'command', 'event'), 'a_test', JSON_OBJECT('n', seq),
        UTC_TIMESTAMP(6) - INTERVAL 90 SECOND, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) + INTERVAL 1 DAY
      FROM seq_1_to_200000`);
    try {
      areServed(await whileOthersAsk(async () => {
        for (let i = 0; i < 5; i++) {
          /* Counting them may take a slow host longer than a scrape waits for it. */
          const now = await until('the depth is told', async () => {
            const one = await metrics();
            return 'wa_outbox_depth{kind="event"}' in one && one;
          }, { tries: 10 });
          assert.equal(now['wa_outbox_depth{kind="event"}'], 150_000);
          assert.equal(now['wa_outbox_depth{kind="command"}'], 50_000);
          assert.ok(now.wa_outbox_oldest_seconds >= 90);
        }
      }));
    } finally {
      await stack.sql('TRUNCATE TABLE wa_outbox');
    }
  });

  test('that gets no answer goes without its depth, and harms nobody else', async () => {
    const session = await openSession(stack);
    try {
      await session.ask('LOCK TABLES wa_outbox WRITE');
      areServed(await whileOthersAsk(async () => {
        const now = await metrics();
        assert.equal(now['wa_outbox_depth{kind="event"}'], undefined);
        assert.ok(now['wa_workers{state="busy"}'] >= 1);
      }));
    } finally {
      await session.close();
    }
    await until('the depth is told again', async () => (await metrics())['wa_outbox_depth{kind="event"}'] === 0);
  });
});

test('/metrics counts the workers by what they do', async () => {
  const now = await metrics();
  const states = Object.entries(now).filter(([name]) => name.startsWith('wa_workers{')).map(([, n]) => n);
  assert.equal(states.reduce((sum, n) => sum + n), Number(stack.settings.WA_WORKERS));
  assert.ok(now['wa_workers{state="busy"}'] >= 1, 'the one that answers');
});

test('nothing of them names a secret, an account or a workspace', async () => {
  const { text } = await stack.call('GET', '/metrics');
  for (const secret of [stack.secret, stack.settings.DB_PASSWORD, stack.settings.WHATSAPP_HMAC_PREVIOUS_SECRETS]) {
    assert.ok(!text.includes(secret));
  }
  assert.doesNotMatch(text, /[0-9a-f]{8}-[0-9a-f]{4}-/);
});
