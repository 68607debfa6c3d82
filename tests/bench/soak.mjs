#!/usr/bin/env node
// soak: what the relay does in an hour of a busy platform, as fast as it can, with peers that fail in every way.
//
//   tests/bench/soak.mjs [EVENTS] [COMMANDS]
//
// Its memory is looked at all the while: it must not grow. With WA_BUILD naming a build with sanitizers, what was
// allocated and is not reachable any more is found when it ends.

import { readFileSync } from 'node:fs';
import { startNodeService } from '../integration/lib/node-service.mjs';
import { until } from '../integration/lib/processes.mjs';
import { startPusher } from '../integration/lib/pusher-server.mjs';
import { sanitized, startStack } from '../integration/lib/stack.mjs';

const EVENTS = Number(process.argv[2] ?? 72_000); /* twenty a second */
const COMMANDS = Number(process.argv[3] ?? 3_600); /* one a second */
const ACCOUNTS = 400, ROUNDS = 24;

/* Of the rounds after the first third: a leak of some bytes for each event or command would be more. */
const GROWTH_KIB = 256;

const rss = (pid) => Number(/^Rss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1]);

/* Now and then, and never twice in a row for one request. */
const faulty = (faults) => {
  let n = 0;
  return () => (++n % 37 === 0 ? faults[(n / 37) % faults.length] : undefined);
};

const values = (rows) => rows.map((row) => `(${row.join(', ')})`).join(', ');

/** Rows as the requests write them: QR codes, states with long metadata, commands of all kinds. */
async function fill(stack, accounts, events, commands) {
  const metadata = JSON.stringify({ note: 'x'.repeat(12_000) });
  const rows = [];
  for (let i = 0; i < events; i++) {
    const { id, workspace_id } = accounts[i % accounts.length];
    const [name, more] = i % 5 === 0 ? ['qr-code-generated', '"expires_in_seconds":300']
      : ['account-status-changed', i % 50 === 1 ? `"metadata":${metadata}` : '"metadata":{"id":1}'];
    rows.push([id, workspace_id, i, "'event'", `'${name}'`, `'{"account_id":"${id}",${more},"state_version":${i}}'`,
      'UTC_TIMESTAMP(6)', 'UTC_TIMESTAMP(6)', 'UTC_TIMESTAMP(6) + INTERVAL 1 HOUR']);
  }
  const names = ['connect', 'reconnect', 'regenerate-qr', 'disconnect'];
  for (let i = 0; i < commands; i++) {
    const { id, workspace_id, session_id } = accounts[i % accounts.length];
    rows.push([id, workspace_id, i, "'command'", `'${names[i % 4]}'`,
      `'{"workspace_id":${workspace_id},"account_id":${id},"session_id":"${session_id}"}'`,
      'UTC_TIMESTAMP(6)', 'UTC_TIMESTAMP(6)', 'UTC_TIMESTAMP(6) + INTERVAL 1 HOUR']);
  }
  for (let i = 0; i < rows.length; i += 500) {
    await stack.sql(`INSERT INTO wa_outbox (account_id, workspace_id, state_version, kind, name, payload, created_at,
      available_at, expires_at) VALUES ${values(rows.slice(i, i + 500))}`);
  }
}

async function main() {
  const [pusher, node] = [await startPusher({ maxBytes: 10_000 }), await startNodeService()];
  const stack = await startStack({ server: 'own', env: { WA_RELAY: 'on', WA_WORKERS: 1, WA_NODE_TIMEOUT: 1,
    WA_NODE_CONCURRENCY: 16, WA_OUTBOX_ATTEMPTS: 1000, WA_OUTBOX_KEEP: 5, WA_LOG_REQUESTS: 'none', ...pusher.env(), ...node.env() } });
  try {
    const relay = Number(/event=relay_started child=(\d+)/.exec(stack.log())[1]);
    const accounts = [];
    for (let i = 0; i < ACCOUNTS; i++) {
      const workspace_id = i % 20 === 0 ? await stack.workspace() : accounts[i - 1].workspace_id;
      accounts.push(await stack.account({ workspace_id, connection_status: 'connecting', qr_code: `data:image/png;base64,${'A'.repeat(6000)}` }));
    }
    pusher.behave(faulty([{ status: 500 }, { status: 413 }, 'close', 'garbage', 'drop', { status: 429 }, { status: 503 }]));
    node.behave(faulty([{ status: 500 }, 'close', 'garbage', 'hang', { status: 503 }, { status: 422 }]));
    node.adds(() => ({ qr_code: `data:image/png;base64,${'B'.repeat(6000)}` }));

    const sizes = [];
    for (let round = 0; round < ROUNDS; round++) {
      await fill(stack, accounts, Math.ceil(EVENTS / ROUNDS), Math.ceil(COMMANDS / ROUNDS));
      await until('the outbox is empty', async () => (await stack.value(
        `SELECT COUNT(*) FROM wa_outbox WHERE state IN ('waiting', 'sending')`)) === '0', { tries: 6000, every: 100 });
      pusher.forget();
      node.forget();
      sizes.push(rss(relay));
      process.stderr.write(`\rround ${round + 1} of ${ROUNDS}: ${sizes.at(-1)} KiB`);
    }
    process.stderr.write('\n');
    const metrics = (await stack.call('GET', '/metrics')).text.split('\n').filter((line) => /^wa_outbox_(settled|retries)/.test(line));
    console.log(metrics.join('\n'));
    console.log(`KiB resident after each round: ${sizes.join(' ')}`);
    const [early, late] = [sizes.slice(ROUNDS / 3, ROUNDS / 3 + 4), sizes.slice(-4)].map((some) => Math.max(...some));
    console.log(`from the first third to the end: ${late - early} KiB more`);
    if (!sanitized() && late - early > GROWTH_KIB) throw new Error('the relay grows');
  } finally {
    await stack.stop();
    await Promise.all([pusher.end(), node.stop()]);
  }
  if (sanitized()) console.log('no sanitizer reported, LeakSanitizer at the end included');
}

main().catch((error) => {
  console.error(error.stack);
  process.exit(1);
});
