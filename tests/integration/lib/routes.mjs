// routes: the pool's own routing table, as `wa-accountsctl routes` prints it.

import assert from 'node:assert/strict';

/** [{method, path, ways, name}] */
export async function routes(stack) {
  const { code, out, stdout } = await stack.ctl('routes');
  assert.equal(code, 0, out);
  const rows = stdout.trim().split('\n').map((line) => {
    const [method, path, ways, name] = line.trim().split(/\s+/);
    return { method, path, ways: ways.split(/[,|+]/), name };
  }).filter((row) => row.path?.startsWith('/'));
  assert.ok(rows.length > 0, stdout);
  return rows;
}

/** A request that this row would answer, were it let in. */
export const example = (row, accountId) => row.path.replace(':account', accountId);
