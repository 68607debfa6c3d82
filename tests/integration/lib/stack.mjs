// stack: nginx → the pool → MariaDB, in a directory of its own under /tmp.
//
//   const stack = await startStack({ env: { WA_WORKERS: 1 } });
//   const answer = await stack.signed('GET', '/api/whatsapp/accounts/active');
//   await stack.stop();
//
// Each stack has a database of its own on the server that tests/integration/run
// started; with `server: 'own'` (or when a file is run by itself) also a server
// of its own, which the test may then stop, kill and start again.

import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { fileURLToPath } from 'node:url';
import { column, literal, queries, query, sharedSocket, startServer } from './database.mjs';
import { encode, exchange, fcgi, parameters } from './fcgi-client.mjs';
import { fixtures } from './fixtures.mjs';
import { call } from './http.mjs';
import { accepts, childrenOf, freePort, makeDirectory, removeDirectory, run, start, stop,
  until } from './processes.mjs';
import { signedHeaders } from './sign.mjs';

export const source = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');
export const build = process.env.WA_BUILD || source;

/** Built with --enable-sanitize: then its memory says nothing about the program. */
export const sanitized = () => readFileSync(`${build}/wa-accountsd`).includes('__asan_init');

/** A sanitizer's report in a log is a failure, whatever the answers were. */
const sanitizerReport = /ERROR: (Address|Leak|Memory|Thread)Sanitizer|runtime error:/;

function writeEnv(file, settings) {
  const lines = Object.entries(settings).filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(file, lines.join(''), { mode: 0o600 });
}

/** nginx/dev.conf.in, as it describes itself: rendered, and with the link that it needs beside it. */
function renderNginx({ port, dir, socket, page, broadcaster, editNginx }) {
  const values = { PORT: port, RUN: dir, SOCKET: socket, NGINX: `${source}/nginx`, USER: userInfo().username,
    PAGE: page ?? `${dir}/page`, BROADCASTER: broadcaster };
  const template = readFileSync(`${source}/nginx/dev.conf.in`, 'utf8');
  const text = template.replace(/@([A-Z]+)@/g, (all, name) => values[name] ?? all);
  writeFileSync(`${dir}/nginx.conf`, editNginx(text, dir));
  if (!existsSync(`${dir}/wa-accounts`)) symlinkSync(`${source}/nginx`, `${dir}/wa-accounts`);
}

/**
 * A database for one stack, its login and its server: {socket, server, name,
 * user, password, drop}. `server` is null when it is the shared one.
 */
async function makeDatabase(own, serverArgs) {
  const shared = own ? null : sharedSocket();
  const server = shared ? null : await startServer(serverArgs);
  const socket = shared ?? server.socket;
  const name = `wa_${process.pid}_${randomBytes(4).toString('hex')}`;
  const password = randomBytes(12).toString('hex');
  await query(socket, `CREATE DATABASE ${name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
    CREATE USER ${name}@localhost IDENTIFIED BY ${literal(password)};
    GRANT ALL ON ${name}.* TO ${name}@localhost`);
  return {
    socket, server, name, user: name, password,
    async drop() {
      if (server) await server.stop();
      else await query(socket, `DROP DATABASE ${name}; DROP USER ${name}@localhost`);
    },
  };
}

/**
 * Options, all with a default:
 *   env         settings added to the standard ones; null takes one away
 *   server      'shared' or 'own'
 *   serverArgs  of an own server
 *   database    of another stack: a second pool beside that one's; whoever made it takes it down
 *   schema      false: leave the database empty
 *   pool        false: do not start wa-accountsd
 *   nginx       false: do not start nginx
 *   editNginx   (text, dir) => text: a change of nginx's file before it starts
 *   page        the folder of the built page
 *   broadcaster the port to which nginx forwards /app/; nobody is on the standard one
 *   listen      WA_LISTEN; 'unix' (standard) or 'tcp'
 */
export async function startStack({ env = {}, server = 'shared', serverArgs = [], database: theirs, schema = !theirs,
  pool = true, nginx = true, editNginx = (text) => text, page, broadcaster = 9, listen = 'unix' } = {}) {
  const dir = makeDirectory();
  const database = theirs ? { ...theirs, drop: async () => {} }
    : await makeDatabase(server === 'own' || serverArgs.length > 0, serverArgs);
  const socket = `${dir}/pool.sock`;
  const poolPort = listen === 'tcp' ? await freePort() : null;
  const where = poolPort ? { host: '127.0.0.1', port: poolPort } : { path: socket };
  const port = nginx ? await freePort() : null;
  const secret = randomBytes(32).toString('hex');
  const envFile = `${dir}/.env`;
  const logFile = `${dir}/pool.log`;
  const settings = {
    APP_KEY: `base64:${randomBytes(32).toString('base64')}`,
    DB_SOCKET: database.socket, DB_DATABASE: database.name,
    DB_USERNAME: database.user, DB_PASSWORD: database.password,
    WHATSAPP_HMAC_SECRET: secret,
    WA_LISTEN: poolPort ? `127.0.0.1:${poolPort}` : `unix:${socket}`,
    WA_RELAY: 'off', WA_WORKERS: 4, WA_PID_FILE: `${dir}/pool.pid`,
    ...env,
  };
  writeEnv(envFile, settings);

  const alive = async () => (await stack.fcgi('GET', '/healthz', { params: { WA_LOCAL: '1' } })).status;
  const sql = (text) => query(database.socket, text, database.name);
  const stack = {
    dir, database, secret, settings, envFile, socket, where, port,
    server: database.server,
    url: nginx ? `http://127.0.0.1:${port}` : null,
    pool: null,
    nginx: null,

    /** Rows of the last statement; values are strings or null. */
    sql,
    queries: (text) => queries(database.socket, text, database.name),
    column: (text) => column(database.socket, text, database.name),
    /** The only value of the only row. */
    value: async (text) => Object.values((await sql(text))[0] ?? {})[0],
    ...fixtures(database.socket, database.name),

    /** One request through nginx. */
    call: (method, path, options = {}) => call(`${stack.url}${path}`, { ...options, method }),
    /** The same, signed; a body that is no text and no Buffer is sent as JSON. */
    signed(method, path, body, { secret: key = secret, timestamp, headers = {} } = {}) {
      const bytes = encodeBody(body);
      const proof = signedHeaders(key, bytes ?? '', timestamp);
      const type = bytes === undefined ? {} : { 'Content-Type': 'application/json' };
      return call(`${stack.url}${path}`, { method, body: bytes, headers: { ...type, ...proof, ...headers } });
    },
    /** One request straight to the pool; `params` are added to what nginx would send. */
    fcgi(method, path, { headers = {}, body = '', params = {} } = {}) {
      return fcgi(where, { ...parameters(method, path, { headers, body }), ...params }, body);
    },
    fcgiSigned(method, path, body, { secret: key = secret, timestamp, headers = {}, params } = {}) {
      const bytes = encodeBody(body) ?? '';
      return stack.fcgi(method, path, { body: bytes, params,
        headers: { 'Content-Type': 'application/json', ...signedHeaders(key, bytes, timestamp), ...headers } });
    },
    /** Bytes on a FastCGI connection, and the bytes that come back. */
    exchange: (bytes) => exchange(where, bytes),
    encode,

    /** Pids: the master, and its children. */
    get master() {
      return stack.pool.pid;
    },
    children: () => childrenOf(stack.pool.pid),
    /** All that the pool has written, also a sanitizer's report. */
    log() {
      const own = settings.WA_LOG_FILE;
      const files = own && own !== logFile ? [logFile, own] : [logFile];
      return files.filter((file) => existsSync(file)).map((file) => readFileSync(file, 'utf8')).join('');
    },
    nginxLog: () => (existsSync(`${dir}/error.log`) ? readFileSync(`${dir}/error.log`, 'utf8') : ''),

    ctl: (...args) => run(`${build}/wa-accountsctl`, ['--env', envFile, ...args]),
    /** Write the settings anew; the next pool to start reads them. */
    configure(changes) {
      Object.assign(settings, changes);
      writeEnv(envFile, settings);
    },

    /** Start the pool and wait until it serves. */
    async startPool() {
      stack.pool = start(`${build}/wa-accountsd`, ['--env', envFile], { log: logFile });
      await until('the pool answers', async () => stack.pool.ended || (await alive()) === 200);
      if (stack.pool.ended) throw new Error(`wa-accountsd did not start:\n${stack.log()}`);
      return stack.pool;
    },
    /** TERM and wait; false if the pool had to be killed. */
    stopPool: (options) => stop(stack.pool, options),

    async startNginx() {
      renderNginx({ port, dir, socket, page, broadcaster, editNginx });
      stack.nginx = start('nginx', ['-p', dir, '-c', `${dir}/nginx.conf`, '-e', `${dir}/error.log`, '-g',
        'daemon off;'],
        { log: `${dir}/error.log`, env: { PATH: `${process.env.PATH}:/usr/sbin:/sbin` } });
      await until('nginx accepts', async () => stack.nginx.ended || (await accepts({ host: '127.0.0.1', port })));
      if (stack.nginx.ended) throw new Error(`nginx did not start:\n${stack.nginxLog()}`);
    },

    /**
     * End what this stack started, and nothing else. Throws when the pool left
     * a sanitizer's report, or did not leave when it was told to.
     */
    async stop() {
      const faults = [];
      if (stack.nginx) await stop(stack.nginx);
      if (stack.pool && !(await stop(stack.pool))) faults.push('the pool did not leave after TERM');
      if (sanitizerReport.test(stack.log())) faults.push('a sanitizer reported');
      const log = stack.log();
      await database.drop();
      removeDirectory(dir);
      if (faults.length > 0) throw new Error(`${faults.join('; ')}:\n${log.slice(-20_000)}`);
    },
  };

  try {
    if (schema) {
      const applied = await stack.ctl('schema', 'apply', '--demo');
      if (applied.code !== 0) throw new Error(`schema apply failed:\n${applied.out}`);
      await stack.clear();
    }
    if (pool) await stack.startPool();
    if (nginx) await stack.startNginx();
    if (pool && nginx) await until('/healthz is 200', async () => (await stack.call('GET',
      '/healthz')).status === 200);
  } catch (error) {
    await stack.stop().catch((second) => (error.message += `\n${second.message}`));
    throw error;
  }
  return stack;
}

function encodeBody(body) {
  if (body === undefined || typeof body === 'string' || Buffer.isBuffer(body)) return body;
  return JSON.stringify(body);
}
