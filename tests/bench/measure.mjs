// measure: several targets in one run, in turns, so that what else the machine
// does falls on each alike. Figures of two runs are not comparable; ratios are.

import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { accepts, childrenOf, start, stop, until } from '../integration/lib/processes.mjs';

export const CONNECTIONS = 8;
export const workers = Number(process.env.WA_WORKERS ?? 4);

const here = fileURLToPath(new URL('.', import.meta.url));
export const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

/** The floor, as any nginx manual would attach it, in the product's own nginx file: for startStack's editNginx. */
export const addFloor = (text, dir) => text.replace('location = /bench/return200', `location /floor/ {
            include /etc/nginx/fastcgi_params;
            fastcgi_pass unix:${dir}/floor.sock;
        }

        $&`);

/** Start the floor beside a stack; `what` is status or list. {children, stop} */
export async function startFloor(stack, what) {
  const flags = execFileSync('pkg-config', ['--cflags', '--libs', 'fcgi', 'libmariadb'], { encoding: 'utf8' });
  const program = `${stack.dir}/floor`;
  const socket = `${stack.dir}/floor.sock`;
  execFileSync('gcc', ['-O2', '-g', '-o', program, `${here}/floor.c`, ...flags.trim().split(/\s+/)]);
  const floor = start(program, [socket, stack.settings.DB_SOCKET, stack.settings.DB_USERNAME,
    stack.settings.DB_PASSWORD, stack.settings.DB_DATABASE, what], { log: `${stack.dir}/floor.log` });
  await until('the floor accepts', () => accepts({ path: socket }));
  chmodSync(socket, 0o777);
  return {
    children: () => childrenOf(floor.pid),
    async stop() {
      for (const pid of childrenOf(floor.pid)) process.kill(pid, 'SIGKILL');
      await stop(floor);
    },
  };
}

/** User and system CPU seconds of processes, from /proc/PID/stat (clock ticks of 10 ms). */
export function cpuSeconds(pids) {
  let user = 0, system = 0;
  for (const pid of pids) {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ');
    user += Number(fields[11]) / 100;
    system += Number(fields[12]) / 100;
  }
  return { user, system };
}

/** Context switches of the whole machine since it was started. */
const switches = () => Number(/^ctxt (\d+)/m.exec(readFileSync('/proc/stat', 'utf8'))[1]);

function wrk({ url, headers, seconds }) {
  const args = ['-t', '1', '-c', String(CONNECTIONS), '-d', `${seconds}s`, '--latency',
    ...Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]), url];
  const { stdout, status, stderr } = spawnSync('wrk', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`wrk failed: ${stderr}`);
  if (/Non-2xx/.test(stdout)) throw new Error(`${url} was not answered with 200:\n${stdout}`);
  const number = (pattern) => Number(pattern.exec(stdout)[1]);
  const unit = { us: 1, ms: 1000, s: 1e6 };
  const time = (line) => {
    const [, value, of] = new RegExp(`${line}\\s+([\\d.]+)(us|ms|s)`).exec(stdout);
    return Number(value) * unit[of];
  };
  return { requests: number(/(\d+) requests in/), rate: number(/Requests\/sec:\s+([\d.]+)/), p50: time('50%'), p99: time('99%') };
}

/**
 * Measure all targets, {name: {url, headers(), pids()}}, in so many rounds of so
 * many seconds each; the first round warms up and is not counted. Resolves to
 * {name: [{rate, p50, p99, workers, nginx, mariadbd, switches}, …]}; the CPU
 * times are microseconds for each request.
 */
export function measure(stack, targets, { rounds, seconds }) {
  const results = Object.fromEntries(Object.keys(targets).map((name) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const [name, target] of Object.entries(targets)) {
      const groups = { workers: target.pids(), nginx: childrenOf(stack.nginx.pid), mariadbd: [stack.server.pid] };
      const before = Object.fromEntries(Object.entries(groups).map(([group, pids]) => [group, cpuSeconds(pids)]));
      const switchesBefore = switches();
      const measured = wrk({ url: target.url, headers: target.headers(), seconds });
      measured.switches = (switches() - switchesBefore) / measured.requests;
      for (const [group, pids] of Object.entries(groups)) {
        const now = cpuSeconds(pids);
        const each = (kind) => ((now[kind] - before[group][kind]) * 1e6) / measured.requests;
        measured[group] = { user: each('user'), system: each('system') };
      }
      if (round > 0) results[name].push(measured);
    }
    process.stderr.write(`\rround ${round} of ${rounds}`);
  }
  process.stderr.write('\n');
  return results;
}

export const spread = (list) => `${Math.min(...list).toFixed(2)}–${Math.max(...list).toFixed(2)}`;
const cpu = (one, groups = ['workers', 'nginx', 'mariadbd']) =>
  groups.reduce((sum, group) => sum + one[group].user + one[group].system, 0);

/** One line: how many times as many requests a second, round by round. */
export function reportRatio(results, name, other) {
  const list = results[name].map((one, i) => one.rate / results[other][i].rate);
  console.log(`${name} relative to ${other}: ${median(list).toFixed(2)} (rounds ${spread(list)})`);
}

/** One line: how many times as many requests for a second of CPU. */
export function reportCpuRatio(results, name, other) {
  const ratio = (groups) => median(results[name].map((one, i) => cpu(results[other][i], groups) / cpu(one, groups)));
  console.log(`requests per CPU second, ${name} relative to ${other}: ${ratio(['workers']).toFixed(1)} of the workers, `
    + `${ratio().toFixed(1)} with nginx and MariaDB`);
}

export function reportTable(results) {
  console.log('\nmedians                       requests/s   p50 µs   p99 µs');
  for (const [name, list] of Object.entries(results)) {
    const of = (key) => median(list.map((one) => one[key]));
    console.log(`${name.padEnd(29)} ${of('rate').toFixed(0).padStart(10)} ${of('p50').toFixed(0).padStart(8)} ${of('p99').toFixed(0).padStart(8)}`);
  }
  console.log('\nwhere the time goes: CPU µs for each request (user + system)');
  for (const [name, list] of Object.entries(results)) {
    const of = (group, kind) => median(list.map((one) => one[group][kind]));
    const cell = (group) => `${of(group, 'user').toFixed(1)} + ${of(group, 'system').toFixed(1)}`.padStart(17);
    console.log(`${name.padEnd(29)} workers ${cell('workers')}   nginx ${cell('nginx')}   mariadbd ${cell('mariadbd')}`
      + `   context switches ${median(list.map((one) => one.switches)).toFixed(1)}`);
  }
}

const pssKiB = (pid) => Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1]);

export function reportMemory(targets) {
  console.log('\nmemory of each worker, KiB PSS');
  for (const [name, { pids }] of Object.entries(targets))
    if (pids().length > 0) console.log(`${name.padEnd(29)} ${pids().map(pssKiB).join(' ')}`);
}
