// laravel: the application of tests/laravel under a php-fpm of its own, beside
// the pool of a stack: the same nginx, the same database, the same .env.
//
//   const stack = await startStack();
//   const laravel = await startLaravel(stack);
//   const ana = await laravel.login(email, workspace);
//   const answer = await ana.get('/settings/whatsapp-accounts');   // ours
//   const page = await ana.get('/whoami');                         // Laravel's
//   await stack.stop();                                            // ends php-fpm too

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { openBrowser } from './browser.mjs';
import { openCookie } from './envelope.mjs';
import { accepts, childrenOf, run, start, stop, until } from './processes.mjs';
import { source } from './stack.mjs';

const app = `${source}/tests/laravel`;

/** As nginx/example.conf passes a request to PHP, without the machine's files. */
const php = (socket) => `location @laravel {
            fastcgi_pass unix:${socket};
            fastcgi_param SCRIPT_FILENAME   ${app}/public/index.php;
            fastcgi_param SCRIPT_NAME       /index.php;
            fastcgi_param DOCUMENT_ROOT     ${app}/public;
            fastcgi_param REQUEST_METHOD    $request_method;
            fastcgi_param REQUEST_URI       $request_uri;
            fastcgi_param QUERY_STRING      $query_string;
            fastcgi_param CONTENT_TYPE      $content_type;
            fastcgi_param CONTENT_LENGTH    $content_length;
            fastcgi_param SERVER_PROTOCOL   $server_protocol;
            fastcgi_param SERVER_NAME       $server_name;
            fastcgi_param SERVER_PORT       $server_port;
            fastcgi_param REMOTE_ADDR       $remote_addr;
            fastcgi_param REQUEST_SCHEME    $scheme;
            fastcgi_param HTTP_PROXY        "";
            fastcgi_hide_header X-Powered-By;
            client_max_body_size 2m;
        }`;

/** nginx's file of a stack, with Laravel in the place that is kept for it; each change must find its place. */
export function besideLaravel(text, socket) {
  const swaps = [
    [/default standalone;.*/, 'default beside;'],
    /* Its policy is not for the application's own pages. */
    [/include \S*wa-accounts-standalone\.conf;/, ''],
    [/location @laravel \{[^}]*\{ \}[^}]*\}[^}]*\}/, php(socket)],
  ];
  for (const [from, to] of swaps) {
    assert.match(text, from);
    text = text.replace(from, () => to);
  }
  return text;
}

function poolFile(dir, workers) {
  return `[global]
error_log = ${dir}/php-fpm.log
daemonize = no
[laravel]
listen = ${dir}/php.sock
listen.backlog = 511
${process.getuid() === 0 ? `user = ${userInfo().username}\n` : ''}pm = static
pm.max_children = ${workers}
catch_workers_output = yes
env[LARAVEL_STATE] = ${dir}
`;
}

/**
 * Start Laravel beside the pool of a stack. Options:
 *   workers     processes of php-fpm (standard 2)
 *   production  as it runs where it matters: settings and routes compiled, no
 *               log, and PHP never looks whether a file has changed
 */
export async function startLaravel(stack, { workers = 2, production = false } = {}) {
  const { dir } = stack;
  const socket = `${dir}/php.sock`;
  const log = `${dir}/php-fpm.log`;
  let fpm;

  for (const folder of ['bootstrap', 'framework/cache', 'framework/sessions', 'framework/views', 'logs']) {
    mkdirSync(`${dir}/storage/${folder}`, { recursive: true });
  }
  writeFileSync(`${dir}/php-fpm.conf`, poolFile(dir, workers));
  if (production) stack.configure({ APP_DEBUG: 'false', LOG_CHANNEL: 'none' });

  async function compile() {
    for (const what of ['config:cache', 'route:cache', 'view:cache']) {
      const { code, out } = await laravel.artisan(what);
      assert.equal(code, 0, `artisan ${what}:\n${out}`);
    }
  }

  async function begin() {
    rmSync(socket, { force: true });
    /* A file that changes is seen at once, or never. */
    const cache = ['-d', 'opcache.enable=1', '-d', `opcache.validate_timestamps=${production ? 0 : 1}`,
      '-d', 'opcache.revalidate_freq=0'];
    fpm = start('php-fpm8.2', ['-F', '-y', `${dir}/php-fpm.conf`, ...cache, ...(process.getuid() === 0 ? ['-R'] : [])],
      { log, env: { PATH: `${process.env.PATH}:/usr/sbin:/sbin` } });
    await until('php-fpm accepts', async () => fpm.ended || (await accepts({ path: socket })));
    if (fpm.ended) throw new Error(`php-fpm did not start:\n${readFileSync(log, 'utf8')}`);
  }

  /** nginx with Laravel in it; resolves when nobody answers any more who does not know of it. */
  async function join() {
    const file = `${dir}/nginx.conf`;
    writeFileSync(file, besideLaravel(readFileSync(file, 'utf8'), socket));
    const before = childrenOf(stack.nginx.pid);
    stack.nginx.kill('SIGHUP');
    await until('nginx has taken its new file', () => {
      const now = childrenOf(stack.nginx.pid);
      return now.length > 0 && !now.some((pid) => before.includes(pid));
    });
  }

  const laravel = {
    socket,
    get pid() {
      return fpm.pid;
    },
    /** Pids of the processes that answer. */
    children: () => childrenOf(fpm.pid),
    /** What Laravel and PHP have to complain of. */
    log: () => [`${dir}/storage/logs/laravel.log`, log].filter((file) => existsSync(file))
      .map((file) => readFileSync(file, 'utf8')).join(''),
    artisan: (...args) => run('php8.2', [`${app}/artisan`, ...args, '--no-ansi'], { env: { LARAVEL_STATE: dir } }),

    /** A browser that has not been here yet. */
    browser: (options) => openBrowser(stack.url, options),
    /**
     * A browser in which this user has logged in through Laravel's own page;
     * a `workspace` goes into the session as it is given, a number or a text.
     */
    async login(email, workspace, browser = openBrowser(stack.url)) {
      await browser.visit('/login');
      const answer = await browser.post('/login', { email, workspace });
      assert.equal(answer.status, 302, `${answer.text}\n${laravel.log()}`);
      return browser;
    },
    logout: (browser) => browser.post('/logout'),

    /** A new user: {id, email}; the owner of `workspace`, or in its team with a role. */
    async user({ workspace, role } = {}) {
      const email = `${randomUUID()}@example.test`;
      const [{ id }] = await stack.sql(`INSERT INTO users (first_name, email) VALUES ('A test', '${email}')
        RETURNING id`);
      if (workspace && role) {
        await stack.sql(`INSERT INTO teams (user_id, workspace_id, role) VALUES (${id}, ${workspace}, '${role}')`);
      } else if (workspace) {
        await stack.sql(`UPDATE workspaces SET created_by = ${id} WHERE id = ${workspace}`);
      }
      return { id: Number(id), email };
    },

    /** The name under which a browser keeps its session's cookie. */
    cookieName: (browser) => [...browser.jar.keys()].find((name) => name !== 'XSRF-TOKEN'),
    /** The id of a browser's session; null if its cookie is not under this key. */
    sessionId(browser, appKey = stack.settings.APP_KEY) {
      const name = laravel.cookieName(browser);
      return openCookie(name, browser.cookie(name), appKey);
    },

    /** Take new settings: at once without `production`, which needs its files and processes anew. */
    async restart() {
      await stop(fpm);
      if (production) await compile();
      await begin();
    },
    stop: () => stop(fpm),
  };

  const stopStack = stack.stop;
  stack.stop = async () => {
    if (fpm) await stop(fpm);
    await stopStack();
  };
  if (production) await compile();
  await begin();
  await join();
  return laravel;
}
