// Made-up values, written by PHP and sealed by Laravel, against our readers of them (tests/property).

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from './lib/processes.mjs';
import { build } from './lib/stack.mjs';

const PROGRAM = 'tests/property/php_reader';
const RUN = fileURLToPath(new URL('../property/run', import.meta.url));

/* Only `make check` makes it; `dev test FILE` has just made the library. */
async function makeProgram() {
  const program = join(build, PROGRAM);
  const isCurrent = existsSync(program)
    && statSync(program).mtimeMs >= statSync(join(build, 'libwa.a')).mtimeMs;
  if (isCurrent) return;
  const made = await run('make', ['-s', '-C', build, PROGRAM]);
  assert.equal(made.code, 0, made.out);
}

test('what PHP serialises and Laravel seals is read, and what was changed does no harm', async (t) => {
  await makeProgram();
  const seed = randomInt(1, 2 ** 31);
  const ran = await run('php', [RUN, String(seed)], { env: { WA_BUILD: build }, tries: 12000 });
  assert.equal(ran.code, 0, `tests/property/run ${seed}:\n${ran.out}`);
  for (const line of ran.out.trim().split('\n')) t.diagnostic(line);
});
