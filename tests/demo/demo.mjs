#!/usr/bin/env node
// demo: the two that the pool speaks to, in one process, for ./dev up: a broadcaster in place of Reverb, and a Node.js
// service without WhatsApp.
//
//   tests/demo/demo.mjs --env FILE [broadcaster] [simulator]
//
// Where they listen stands in FILE. Beside it lie, as long as this runs, demo.pid and demo-phone.conf, by which nginx
// finds the simulator's page /phone; demo.pid is there when both listen.

import { rmSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startBroadcaster } from './broadcaster.mjs';
import { readArguments, readSettings } from './settings.mjs';
import { startSimulator } from './simulator.mjs';

const REMEMBER = 100;
const RESTORE_AGAIN_MS = 1000;

const { env, words } = readArguments(process.argv.slice(2), 'demo.mjs --env FILE [broadcaster] [simulator]',
  ['broadcaster', 'simulator']);
const settings = readSettings(env);
const run = dirname(resolve(env));
const log = (line) => console.log(`${new Date().toISOString()} ${line}`);

function keep(name, text) {
  const file = `${run}/${name}`;
  writeFileSync(file, text);
  process.on('exit', () => rmSync(file, { force: true }));
}

/** The pool and nginx may start after this. */
async function restore(simulator) {
  while (!(await simulator.restore())) await pause(RESTORE_AGAIN_MS);
}

if (words.includes('broadcaster')) {
  const { port } = await startBroadcaster(settings);
  log(`broadcaster: http://127.0.0.1:${port}`);
}
if (words.includes('simulator')) {
  const simulator = await startSimulator({ port: Number(new URL(settings.WHATSAPP_INSTANCE_1).port),
    key: settings.WHATSAPP_NODE_API_KEY, secret: settings.WHATSAPP_HMAC_SECRET,
    pool: `http://127.0.0.1:${settings.PORT}`, remember: REMEMBER, log });
  log(`simulator: ${simulator.url}/phone`);
  keep('demo-phone.conf', `location ~ "^/phone(?:/|\\z)" { proxy_pass ${simulator.url}; }\n`);
  restore(simulator);
}
keep('demo.pid', `${process.pid}\n`);
