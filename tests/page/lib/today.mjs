// today: the page of sessions in a tab, as people have it today: its parts, and what it has asked the server.
//
//   const site = await startTodaySite();
//   const page = await openToday(site, tab);
//   await page.add.click();

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { source } from '../../integration/lib/stack.mjs';
import { comes, seen } from './look.mjs';
import { startSite } from './site.mjs';

const folder = fileURLToPath(new URL('../today', import.meta.url));
/* Where npm has put what web/package.json names: today's page stands on the same three packages. */
const packages = `${process.env.WA_WEB || `${source}/.run/web`}/node_modules`;
const SCRIPTS = { axios: 'axios/dist/axios.min.js', pusher: 'pusher-js/dist/web/pusher.min.js',
  echo: 'laravel-echo/dist/echo.iife.js' };

const OLD = '/settings/whatsapp-sessions';
const OLD_API = '/api/whatsapp/sessions';
/* Far less than the 3 s of the real one. */
const POLL_MS = 100;

/* Beside our locations, as the application's own pages are. */
function servesPage(text) {
  for (const file of Object.values(SCRIPTS)) {
    if (!existsSync(`${packages}/${file}`)) throw new Error(`${packages}/${file} is missing; run ./dev test once`);
  }
  return text.replace('location @laravel', `location ^~ /today/ {
            alias ${folder}/;
            index index.html;
            types { text/html html; text/javascript js; }
${Object.entries(SCRIPTS).map(([name, file]) => `            location = /today/packages/${name}.js {
                alias ${packages}/${file};
            }`).join('\n')}
        }

        location @laravel`);
}

/** A startSite() with that page, whose pool takes accounts without a number. */
export const startTodaySite = ({ env, ...options } = {}) =>
  startSite({ editNginx: servesPage, env: { WA_REQUIRE_PHONE: 'off', ...env }, ...options });

/** What the page's script has asked, as it was answered: {method, path, accept, json, status}; a path below OLD. */
function watch(page) {
  const all = [];
  const isOurs = (path) => path === OLD || path.startsWith(`${OLD}/`) || path.startsWith(`${OLD_API}/`);
  page.on('response', async (response) => {
    const request = response.request();
    const { pathname } = new URL(request.url());
    if (!isOurs(pathname)) return;
    const { accept } = request.headers();
    all.push({ method: request.method(), path: pathname.replace(OLD, ''), accept, status: response.status(),
      json: request.postData() === null ? undefined : request.postDataJSON() });
  });
  return all;
}

/** The page of sessions in this tab, with events or (`live: false`) without. */
export async function openToday({ pusher }, { page, faults }, { live = true } = {}) {
  const requests = watch(page);
  const dialog = page.locator('dialog[open]');
  const row = ({ uuid }) => page.locator(`li[data-uuid="${uuid}"]`);
  const button = (where, name) => where.getByRole('button', { name, exact: true });

  const today = {
    page,
    faults,
    requests,
    asked: (method, path) => requests.filter((request) => request.method === method && request.path === path),
    /** Those of its DELETEs that clean up, as they were answered. */
    cleanups: () => requests.filter(({ method, accept }) => method === 'DELETE' && accept !== 'application/json'),

    add: button(page, 'Add session'),
    rows: page.locator('li[data-uuid]'),
    row,
    button: (session, name) => button(row(session), name),
    primaries: page.getByText('Primary', { exact: true }),
    isPrimary: (session) => seen(row(session).getByText('Primary', { exact: true })),

    dialog,
    code: dialog.getByRole('img', { name: 'QR code', exact: true }),
    close: button(dialog, 'Close'),
    /** The uuid of what is paired in the dialog. */
    pairs: async () => ({ uuid: await dialog.getAttribute('data-uuid') }),

    /** As many such requests are answered. */
    hasAsked: (count, method, path) => comes(`${count} × ${method} ${path}`, () =>
      today.asked(method, path).length >= count),
    hasCleanedUp: (count = 1) => comes(`${count} clean-ups`, () => today.cleanups().length >= count),
    /** From now on it does not learn what becomes of what is paired, if it has no events either. */
    async hearsNothing() {
      faults.expects(/net::ERR_FAILED/);
      await page.route(`**${OLD_API}/*/status`, (route) => route.abort());
    },
    async reload() {
      await page.reload();
      await today.isReady();
    },
    isReady: () => seen(page.locator(live ? 'body[data-live=true] #add:enabled' : '#add:enabled')),
  };
  await page.goto(`/today/?poll=${POLL_MS}${live ? `&key=${pusher.app.key}` : ''}`);
  await today.isReady();
  return today;
}
