// settings: the same stack with other settings for a while.

import assert from 'node:assert/strict';

async function restart(stack, changes) {
  assert.ok(await stack.stopPool(), 'the pool left when it was told to');
  stack.configure(changes);
  await stack.startPool();
}

/** While `body` runs, the pool has these settings changed; null takes one away. */
export async function withSettings(stack, changes, body) {
  const earlier = Object.fromEntries(Object.keys(changes).map((name) => [name, stack.settings[name]]));
  await restart(stack, changes);
  try {
    return await body();
  } finally {
    await restart(stack, earlier);
  }
}
