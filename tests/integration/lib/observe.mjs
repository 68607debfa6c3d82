// observe: what a pool tells about itself, in its metrics and its log, and
// what the kernel tells about its processes.

import { readFileSync, readdirSync } from 'node:fs';
import { until } from './processes.mjs';

/** /metrics as {'series{labels}': number}; straight from the pool. */
export async function metrics(stack) {
  const { status, text } = await stack.fcgi('GET', '/metrics', { params: { WA_LOCAL: '1' } });
  if (status !== 200) throw new Error(`/metrics is ${status}: ${text}`);
  return Object.fromEntries(text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
}

/**
 * Wait until no worker has anything in hand, but the one that tells so: what was answered is counted then, and its
 * lines are in the log. A worker does both after its answer.
 */
export const allCounted = (stack) => until('nobody is busy', async () =>
  (await metrics(stack))['wa_workers{state="busy"}'] === 1, { every: 5 });

/** The sum of all series of one name. */
export const total = (series, name) => Object.entries(series)
  .filter(([key]) => key === name || key.startsWith(`${name}{`)).reduce((sum, [, value]) => sum + value, 0);

/** The lines of a log as objects, those of one event or all. */
export function events(text, name) {
  /* One that is just being written is none yet. */
  const lines = text.split('\n').slice(0, -1).filter((line) => line.startsWith('time='));
  const all = lines.map((line) => Object.fromEntries([...line.matchAll(/(\w+)=("(?:[^"\\]|\\.)*"|\S*)/g)]
    .map(([, key, value]) => [key, value.startsWith('"') ? value.slice(1, -1).replace(/\\(["\\])/g, '$1') : value])));
  return name === undefined ? all : all.filter((line) => line.event === name);
}

/** False for a process that is gone, or only waits for its parent to look. */
export function lives(pid) {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return false;
    throw error;
  }
}

/** Stop a process as if its machine hung; resolves when none of its threads runs any more. */
export async function freeze(pid) {
  process.kill(pid, 'SIGSTOP');
  const state = (task) => readFileSync(`/proc/${pid}/task/${task}/status`, 'utf8').match(/^State:\s+(\w)/m)[1];
  await until(`process ${pid} stands still`, () =>
    readdirSync(`/proc/${pid}/task`).every((task) => state(task) === 'T'));
}

export const thaw = (pid) => process.kill(pid, 'SIGCONT');
