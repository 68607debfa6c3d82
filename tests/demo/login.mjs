#!/usr/bin/env node
// login: a way in to the demo without a password: a session of the first user, and nginx's location /login, which hands
// out its cookie.
//
//   tests/demo/login.mjs --env FILE
//
// Beside FILE it leaves demo-login.conf, for nginx, and login.json, so that a browser stays logged in when this runs
// once more.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { literal } from '../integration/lib/database.mjs';
import { cookieOf, newSession, PAGE, random40 } from '../integration/lib/login.mjs';
import { run } from '../integration/lib/processes.mjs';
import { readArguments, readSettings } from './settings.mjs';

const YEAR_S = 31_536_000;

const { env } = readArguments(process.argv.slice(2), 'login.mjs --env FILE');
const settings = readSettings(env);
const folder = dirname(resolve(env));

/** Statements, as the pool's own user; the rows of the last one, as arrays of texts. */
async function ask(sql) {
  const { code, stdout, stderr } = await run('mariadb', ['--no-defaults', `--socket=${settings.DB_SOCKET}`,
    `--user=${settings.DB_USERNAME}`, '--batch', '--skip-column-names', settings.DB_DATABASE],
  { stdin: sql, env: { MYSQL_PWD: settings.DB_PASSWORD } });
  if (code !== 0) throw new Error(stderr.trim());
  return stdout.split('\n').filter(Boolean).map((line) => line.split('\t'));
}

const [first] = await ask(`SELECT users.id, workspaces.id FROM users JOIN workspaces ON workspaces.created_by = users.id
  WHERE users.deleted_at IS NULL AND workspaces.deleted_at IS NULL ORDER BY users.id, workspaces.id LIMIT 1`);
if (!first) throw new Error('nobody in the database has a workspace');

const stack = { settings, dir: folder, sql: ask };
const kept = `${folder}/login.json`;
const session = existsSync(kept) ? JSON.parse(readFileSync(kept, 'utf8')) : { id: random40(), token: random40() };
writeFileSync(kept, JSON.stringify(session), { mode: 0o600 });
await ask(`DELETE FROM sessions WHERE id = ${literal(session.id)}`);
await newSession(stack, { ...session, user: Number(first[0]), workspace: Number(first[1]) });

writeFileSync(`${folder}/demo-login.conf`, `location = /login {
    absolute_redirect off;
    add_header Cache-Control no-store;
    add_header Set-Cookie "${cookieOf(stack, session)}; Path=/; Max-Age=${YEAR_S}; HttpOnly; SameSite=Lax";
    return 302 ${PAGE};
}
location = / {
    absolute_redirect off;
    return 302 /login;
}
`, { mode: 0o600 });
