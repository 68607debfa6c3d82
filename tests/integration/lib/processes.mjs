// processes: programs that a test starts, and only those.
//
// Every child stands in a process group of its own and in a list; whatever
// way the test's process ends, nothing of it stays behind.

import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';

const running = new Set();
const directories = new Set();

process.on('exit', () => {
  for (const child of running) signalGroup(child, 'SIGKILL');
  for (const dir of directories) rmSync(dir, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));

function signalGroup(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

/** A new directory under /tmp with a short name: unix sockets stand in it (108 bytes). */
export function makeDirectory(prefix = 'wa-') {
  const dir = mkdtempSync(`/tmp/${prefix}`);
  directories.add(dir);
  return dir;
}

export function removeDirectory(dir) {
  rmSync(dir, { recursive: true, force: true });
  directories.delete(dir);
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Ask `probe` until it answers with something true, and return that; after
 * `tries` times, half a minute's at least unless said otherwise, throw. An exception of `probe` counts as "not yet".
 */
export async function until(what, probe, { every = 20, tries = Math.max(1500, Math.ceil(30_000 / every)) } = {}) {
  let last;
  for (let i = 0; i < tries; i++) {
    try {
      const answer = await probe();
      if (answer) return answer;
    } catch (error) {
      last = error;
    }
    await pause(every);
  }
  throw new Error(`this never came true: ${what}${last ? ` (${last.message})` : ''}`);
}

/**
 * Start a program in the background. `env` is its whole environment (and what
 * sanitizers and the search path need), `log` the file that takes its output.
 */
export function start(program, args, { env = {}, log, cwd = '/', stdin = 'ignore' } = {}) {
  const fd = openSync(log, 'a');
  const child = spawn(program, args, {
    cwd,
    detached: true,
    env: { ...inherited(), ...env },
    stdio: [stdin, fd, fd],
  });
  closeSync(fd);
  const started = {
    name: program,
    pid: child.pid,
    code: null,
    signal: null,
    error: null,
    get ended() {
      return this.code !== null || this.signal !== null || this.error !== null;
    },
    kill: (signal) => !started.ended && process.kill(child.pid, signal),
  };
  started.exit = new Promise((resolve) => {
    const end = (changes) => {
      Object.assign(started, changes);
      running.delete(started);
      resolve(started);
    };
    child.on('exit', (code, signal) => end({ code, signal }));
    child.on('error', (error) => end({ error }));
  });
  if (child.pid) running.add(started);
  return started;
}

/** What a child may see of our environment: nothing that could be a setting. */
function inherited() {
  const keep = /^(PATH|HOME|LANG|LC_ALL|TZ|TMPDIR|LD_.*|(A|UB|L|T)SAN_OPTIONS)$/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => keep.test(name)));
}

/** TERM and wait; KILL what does not leave, its children too. False if it had to be killed. */
export async function stop(child, { signal = 'SIGTERM', tries = 1000 } = {}) {
  if (child.ended) return true;
  child.kill(signal);
  try {
    await until(`${child.name} leaves after ${signal}`, () => child.ended, { tries });
    return true;
  } catch {
    signalGroup(child, 'SIGKILL');
    await child.exit;
    return false;
  }
}

/** Run a program to its end: {code, signal, out}; `out` is both streams together. */
export async function run(program, args, { env = {}, stdin, tries = 9000 } = {}) {
  const child = spawn(program, args, {
    detached: true,
    env: { ...inherited(), ...env },
    stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  const ended = new Promise((resolve, reject) => {
    child.on('close', (code, signal) => resolve({ code, signal }));
    child.on('error', reject);
  });
  const result = { stdout: '', stderr: '', out: '' };
  let done = false;
  ended.then(() => (done = true), () => (done = true));
  running.add(child);
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', (text) => {
      result[name] += text;
      result.out += text;
    });
  }
  if (stdin !== undefined) child.stdin.on('error', () => {}).end(stdin);
  try {
    await until(`${program} ends`, () => done, { tries, every: 10 });
  } catch (error) {
    signalGroup(child, 'SIGKILL');
    throw new Error(`${error.message}: ${args.join(' ')}\n${result.out}`);
  } finally {
    running.delete(child);
  }
  return { ...(await ended), ...result };
}

/** Start a program and talk to it: {say, out, ended, close, exit}; `out` is both streams together. */
export function converse(program, args) {
  const child = spawn(program, args, { detached: true, env: inherited(), stdio: 'pipe' });
  const partner = {
    out: '',
    ended: false,
    say: (text) => child.stdin.write(text),
    close: () => child.stdin.end(),
  };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => (partner.out += text));
  }
  child.stdin.on('error', () => {});
  running.add(child);
  partner.exit = new Promise((resolve) => {
    const end = () => {
      partner.ended = true;
      running.delete(child);
      resolve();
    };
    child.on('close', end).on('error', end);
  });
  return partner;
}

/** Process ids of the children of `pid`, as the kernel sees them. */
export function childrenOf(pid) {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

const LOWEST_PORT = 10_000;
/* From here on the kernel gives ports away: to whoever connects, or listens and does not say where. */
const [kernelsPort] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').trim().split(/\s+/).map(Number);
/* Those that this process has given out: nobody else who asks here gets them while it lives. */
const reserved = new Set();

/** Take the UDP port of this number, which stands for the TCP one; false if another test's process has it. */
function reserve(port) {
  const socket = createSocket('udp4');
  return new Promise((resolve) => {
    socket.once('error', () => {
      socket.close();
      resolve(false);
    });
    socket.bind({ port, address: '127.0.0.1', exclusive: true }, () => {
      reserved.add(socket.unref());
      resolve(true);
    });
  });
}

const isFree = (port) => new Promise((resolve) => {
  const server = createServer().once('error', () => resolve(false));
  server.listen({ port, host: '0.0.0.0', exclusive: true }, () => server.close(() => resolve(true)));
});

/**
 * A TCP port that nobody listens on, and that nobody takes before it is used, or between two uses: neither the
 * kernel, which gives away higher ones, nor another test, whichever process it runs in.
 */
export async function freePort() {
  const end = kernelsPort >= LOWEST_PORT + 1000 ? kernelsPort : 65_536;
  for (;;) {
    const port = randomInt(LOWEST_PORT, end);
    if (await reserve(port) && await isFree(port)) return port;
  }
}

/** Whether somebody accepts on a unix socket or a port. */
export function accepts(where) {
  return new Promise((resolve) => {
    const socket = connect(where);
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}
