// relay: how soon an event arrives, how many a relay delivers, and what a Node service that hangs costs
// those who never speak to it.

import { execFileSync } from 'node:child_process';
import { startNodeService } from '../integration/lib/node-service.mjs';
import { logIn } from '../integration/lib/login.mjs';
import { pause, until } from '../integration/lib/processes.mjs';
import { startPusher } from '../integration/lib/pusher-server.mjs';
import { build, source, startStack } from '../integration/lib/stack.mjs';
import { cpuSeconds, median, spread } from './measure.mjs';

const at = (list, part) => [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * part))];
const ms = (value) => `${value.toFixed(2)} ms`;
const percentiles = (list) => `median ${ms(at(list, 0.5))}, p99 ${ms(at(list, 0.99))}, longest ${ms(at(list, 1))}`;

/* As long as a real one: with what a report brings, about 700 bytes. */
const report = (account, i) => ({ event: 'account-status-changed', data: { account_id: account.id,
  workspace_id: account.workspace_id, status: i % 2 === 0 ? 'error' : 'connecting' } });

/**
 * One after the other, each from the time that its row says (when its transaction began, a little before its
 * commit) to its arrival at the Pusher server.
 */
async function latency(count) {
  const pusher = await startPusher();
  const stack = await startStack({ server: 'own', env: { WA_RELAY: 'on', ...pusher.env(), WA_LOG_REQUESTS: 'none' } });
  try {
    const workspace_id = await stack.workspace();
    const account = await stack.account({ workspace_id, connection_status: 'connecting' });
    const send = async (i) => {
      const answer = await stack.signed('POST', '/api/whatsapp/accounts/broadcast', report(account, i));
      if (answer.status !== 200) throw new Error(`a report was answered with ${answer.status}: ${answer.text}`);
    };
    for (let i = 0; i < 100; i++) await send(i);
    await pusher.received(100);
    pusher.forget();
    for (let i = 0; i < count; i++) {
      await send(i);
      await pause(2);
    }
    await pusher.received(count);
    const times = pusher.requests.map(({ at: arrived, data }) => arrived / 1000 - microseconds(data.timestamp) / 1000);
    console.log(`commit to arrival, ${count} events one after the other: ${percentiles(times)}`);
  } finally {
    await stack.stop();
    await pusher.end();
  }
}

/** "2025-11-14T03:04:05.678901Z"; Date knows milliseconds only. */
const microseconds = (text) => Date.parse(`${text.slice(0, 19)}Z`) * 1000 + Number(text.slice(20, 26));

const EVENTS = 20_000, ACCOUNTS = 1000, AT_ONCE = 32;

/* nginx answers faster than any relay asks, in a process of its own. */
const addSink = (text) => text.replace('location = /bench/return200', `location /apps/ {
            access_log off;
            default_type application/json;
            return 200 '{}';
        }

        $&`);

const payload = `CONCAT('{"account_id":"webjs_1_1763000000_abcdefgh","status":"qr_scanning","connection_status":"connecting",`
  + `"workspace_id":1,"phone_number":"6281234567890","metadata":{"id":', seq, ',"uuid":"6f1d1c5e-7a3b-4c1d-9e8f-0a1b2c3d4e5f",`
  + `"phone_number":"6281234567890","formatted_phone_number":"+6281234567890","is_primary":false,`
  + `"timestamp":"2025-11-14T03:04:05.000000Z"},"uuid":"6f1d1c5e-7a3b-4c1d-9e8f-0a1b2c3d4e5f","state_version":', seq, ',`
  + `"timestamp":"2025-11-14T03:04:05.000000Z"}')`;

async function fill(stack) {
  await stack.sql(`TRUNCATE wa_outbox`);
  await stack.sql(`INSERT INTO wa_outbox (account_id, workspace_id, state_version, kind, name, payload, created_at,
    available_at, expires_at) SELECT 1 + seq % ${ACCOUNTS}, 1, seq, 'event', 'account-status-changed', ${payload},
    UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) + INTERVAL 1 DAY FROM seq_1_to_${EVENTS}`);
}

function compilePosts(dir) {
  const flags = execFileSync('pkg-config', ['--cflags', '--libs', 'fcgi', 'libmariadb', 'jansson', 'libcrypto', 'uuid',
    'libcurl'], { encoding: 'utf8' });
  execFileSync('gcc', ['-O2', '-D_GNU_SOURCE', `-I${source}/include`, '-o', `${dir}/posts`, `${source}/tests/bench/posts.c`,
    `${build}/libwa.a`, ...flags.trim().split(/\s+/)]);
  return `${dir}/posts`;
}

/** A backlog, delivered by a relay that has just started: events a second from its first to its last settlement. */
async function drain(stack) {
  await fill(stack);
  const before = cpuSeconds([stack.server.pid]);
  await stack.startPool();
  const relay = Number(/event=relay_started child=(\d+)/.exec(stack.log().slice(stack.log().lastIndexOf('relay_started') - 6))[1]);
  await until('everything is delivered', async () => (await stack.value(
    `SELECT COUNT(*) FROM wa_outbox WHERE state <> 'delivered'`)) === '0', { every: 100 });
  const after = cpuSeconds([stack.server.pid]), own = cpuSeconds([relay]);
  const took = Number(await stack.value(`SELECT TIMESTAMPDIFF(MICROSECOND, MIN(settled_at), MAX(settled_at)) FROM wa_outbox`));
  await stack.stopPool();
  const each = (seconds) => (seconds * 1e6) / EVENTS;
  return { rate: EVENTS / (took / 1e6), relay: each(own.user + own.system),
    mariadbd: each(after.user + after.system - before.user - before.system) };
}

async function throughput(rounds) {
  const stack = await startStack({ server: 'own', editNginx: addSink, pool: false, env: { WA_RELAY: 'on', WA_WORKERS: 1 } });
  try {
    stack.configure({ BROADCAST_CONNECTION: 'reverb', REVERB_APP_ID: '1', REVERB_APP_KEY: 'key', REVERB_APP_SECRET: 'secret',
      REVERB_HOST: '127.0.0.1', REVERB_PORT: stack.port, REVERB_SCHEME: 'http' });
    const posts = compilePosts(stack.dir);
    await fill(stack);
    const data = await stack.value('SELECT payload FROM wa_outbox LIMIT 1');
    const body = JSON.stringify({ name: 'account-status-changed', channels: ['private-workspace.1'], data });
    const url = `${stack.url}/apps/1/events?auth_key=key&auth_timestamp=1353088179&auth_version=1.0&body_md5=${'0'.repeat(32)}`
      + `&auth_signature=${'0'.repeat(64)}`;
    const floor = () => EVENTS / (Number(execFileSync(posts, [url, String(EVENTS), String(AT_ONCE), body])) / 1e6);
    const results = [];
    for (let round = 0; round <= rounds; round++) {
      const result = { floor: floor(), ...await drain(stack) };
      if (round > 0) results.push(result);
      process.stderr.write(`\rround ${round} of ${rounds}`);
    }
    process.stderr.write('\n');
    const of = (key) => median(results.map((one) => one[key]));
    const ratios = results.map((one) => one.rate / one.floor);
    console.log(`${EVENTS} events of ${ACCOUNTS} accounts, ${AT_ONCE} at once: the floor ${of('floor').toFixed(0)}/s, `
      + `the relay ${of('rate').toFixed(0)}/s: ${median(ratios).toFixed(2)} of it (rounds ${spread(ratios)})`);
    console.log(`CPU µs for each event: relay ${of('relay').toFixed(0)}, mariadbd ${of('mariadbd').toFixed(0)}`);
  } finally {
    await stack.stop();
  }
}

/** How long a person waits for an answer to "regenerate", while every instance answers, and while all of them hang. */
async function hanging(rounds, count) {
  const [pusher, node] = [await startPusher(), await startNodeService()];
  const stack = await startStack({ server: 'own', env: { WA_RELAY: 'on', ...pusher.env(), ...node.env(), WA_LOG_REQUESTS: 'none' } });
  try {
    const ana = await logIn(stack);
    const accounts = [];
    for (let i = 0; i < 10; i++) accounts.push(await stack.account({ workspace_id: ana.workspace, connection_status: 'disconnected' }));
    const results = { answers: [], hangs: [] };
    for (let round = 0; round <= rounds; round++) {
      for (const [name, behaviour] of [['answers', undefined], ['hangs', () => 'hang']]) {
        node.behave(behaviour);
        const times = [];
        for (let i = 0; i < count; i++) {
          const began = performance.now();
          const answer = await ana.call('POST', `/${accounts[i % accounts.length].uuid}/regenerate-qr`, { json: {} });
          times.push(performance.now() - began);
          if (answer.status !== 200) throw new Error(`regenerate-qr was answered with ${answer.status}: ${answer.text}`);
        }
        if (round > 0) results[name].push(times);
      }
    }
    for (const [name, lists] of Object.entries(results)) {
      console.log(`regenerate-qr while every instance ${name}: ${percentiles(lists.flat())}`);
    }
    const ratios = results.answers.map((times, i) => at(results.hangs[i], 0.5) / at(times, 0.5));
    console.log(`hanging relative to answering, medians: ${median(ratios).toFixed(2)} (rounds ${spread(ratios)})`);
  } finally {
    await stack.stop();
    await Promise.all([pusher.end(), node.stop()]);
  }
}

export async function run({ rounds }) {
  await latency(2000);
  await throughput(Math.min(rounds, 5));
  await hanging(Math.min(rounds, 5), 200);
}
