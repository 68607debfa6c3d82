// laravel-sessions: the places where Laravel keeps its sessions, looked at and
// changed behind its back.

import { readFileSync, statSync, utimesSync } from 'node:fs';

const inDatabase = (stack) => ({
  /** All that is kept about a session but the time of its last use. */
  async content(id) {
    const [{ last_activity: _, ...rest }] = await stack.sql(`SELECT * FROM sessions WHERE id = '${id}'`);
    return JSON.stringify(rest);
  },
  /** The serialised or encrypted text. */
  text: async (id) =>
    Buffer.from(await stack.value(`SELECT payload FROM sessions WHERE id = '${id}'`), 'base64').toString(),
  /** Unix seconds of the last use. */
  seen: async (id) => Number(await stack.value(`SELECT last_activity FROM sessions WHERE id = '${id}'`)),
  setSeen: (id, seconds) => stack.sql(`UPDATE sessions SET last_activity = ${seconds} WHERE id = '${id}'`),
});

function inFiles(stack) {
  const file = (id) => `${stack.dir}/storage/framework/sessions/${id}`;
  return {
    content: async (id) => readFileSync(file(id), 'latin1'),
    text: async (id) => readFileSync(file(id), 'utf8'),
    seen: async (id) => Math.floor(statSync(file(id)).mtimeMs / 1000),
    setSeen: async (id, seconds) => utimesSync(file(id), seconds, seconds),
  };
}

/** Settings, and how to look into what they make Laravel do. */
export const stores = {
  'in the database': { env: { SESSION_DRIVER: 'database' }, open: inDatabase },
  'in the database, encrypted': { env: { SESSION_DRIVER: 'database', SESSION_ENCRYPT: 'true' }, open: inDatabase },
  'in files': { env: { SESSION_DRIVER: 'file' }, open: inFiles },
  'in files, encrypted': { env: { SESSION_DRIVER: 'file', SESSION_ENCRYPT: 'true' }, open: inFiles },
};
