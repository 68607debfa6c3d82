// tab: the page in a tab of the browser: its parts, by the names that a person or a screen reader finds them under,
// and what it has asked the server.

import { PAGE } from '../../integration/lib/login.mjs';
import { watchFaults } from './chromium.mjs';
import { comes, gone, seen } from './look.mjs';

const isOurs = (path) => path === PAGE || path.startsWith(`${PAGE}/`);

/** The requests of a tab to our routes, as they began: {method, path, json, status}; status null: not yet answered. */
function watchRequests(page) {
  const all = [];
  const records = new WeakMap();
  page.on('request', (request) => {
    const path = new URL(request.url()).pathname;
    if (!isOurs(path)) return;
    const record = { method: request.method(), path: path.slice(PAGE.length), isPage: request.isNavigationRequest(),
      json: request.headers()['content-type']?.includes('json') ? request.postDataJSON() : undefined, status: null };
    all.push(record);
    records.set(request, record);
  });
  page.on('response', (response) => {
    const record = records.get(response.request());
    if (record) record.status = response.status();
  });
  page.on('requestfailed', (request) => {
    const record = records.get(request);
    if (record) record.status = 'failed';
  });
  return all;
}

/*
 * Before any script of the page: how many of its requests it has not heard the end of. From open() on: axios asks for
 * its cookie before it sends.
 */
function countOpen() {
  window.openRequests = 0;
  const { open } = XMLHttpRequest.prototype;
  XMLHttpRequest.prototype.open = function (...args) {
    window.openRequests++;
    /* Added last, heard last. */
    queueMicrotask(() => this.addEventListener('loadend', () => window.openRequests--));
    return open.apply(this, args);
  };
}

/** How many pings of its WebSockets are not answered: with a clock that runs fast, the page would not wait for it. */
function watchPings(page) {
  const waiting = new Map();
  page.on('websocket', (socket) => {
    waiting.set(socket, 0);
    socket.on('close', () => waiting.delete(socket));
    socket.on('framesent', ({ payload }) => /"pusher:ping"/.test(payload)
      && waiting.set(socket, waiting.get(socket) + 1));
    socket.on('framereceived', ({ payload }) => /"pusher:pong"/.test(payload) && waiting.set(socket, 0));
  });
  return () => [...waiting.values()].reduce((sum, count) => sum + count, 0);
}

/** A new tab; nothing is opened in it yet. `clock`: that of its context is the test's. */
export async function openTab(context, { clock = false } = {}) {
  const page = await context.newPage();
  const faults = await watchFaults(page);
  const requests = watchRequests(page);
  const openPings = watchPings(page);
  await page.addInitScript(countOpen);

  const tab = {
    page,
    faults,
    requests,

    /** Go to the page, and wait until it stands. */
    async open(path = PAGE) {
      const answer = await page.goto(path);
      await seen(page.getByRole('heading', { level: 1, name: 'WhatsApp Numbers' }));
      return answer;
    },

    // --- Its parts.
    add: page.getByRole('button', { name: 'Add WhatsApp Number', exact: true }),
    empty: page.getByRole('heading', { level: 2, name: 'Setup WhatsApp Numbers' }),
    list: page.getByRole('list', { name: 'WhatsApp numbers', exact: true }),
    rows: page.locator('li[data-uuid]'),
    search: page.getByRole('searchbox', { name: 'Search numbers', exact: true }),
    live: page.locator('output[data-live]'),
    summary: page.getByRole('region', { name: 'Summary', exact: true }),
    /** The row of an account, or of a uuid. */
    row: (account) => page.locator(`li[data-uuid="${account.uuid ?? account}"]`),
    /** A button of a row, by its visible word: 'Set as primary', 'Disconnect', … */
    button: (account, verb) => tab.row(account).getByRole('button', { name: new RegExp(`^${verb}:`) }),
    state: (account) => tab.row(account).locator('[data-status]'),
    /** What stands behind a word of the summary. */
    sum: (word) => tab.summary.locator('dt', { hasText: word }).locator('xpath=following-sibling::dd[1]'),
    /* By attribute: an <output> is a status too. */
    success: page.locator('[role=status]'),
    alert: page.locator('[role=alert]'),

    // --- Dialogs.
    dialog: (name) => page.locator('dialog[open]').and(page.getByRole('dialog', { name, exact: true })
      .or(page.getByRole('alertdialog', { name, exact: true }))),
    anyDialog: page.locator('dialog[open]'),

    /** All that it has asked is answered, and it has taken note. */
    isQuiet: () => comes('all requests are answered', async () => requests.every(({ status }) => status !== null)
      && await page.evaluate(() => window.openRequests) === 0),
    /** Its pings are answered too. */
    isAnswered: () => comes('all pings are answered', () => openPings() === 0),
    /** What it asks while `body` runs, and in the second after; the tab's clock is the test's. */
    async asks(body) {
      await tab.isQuiet();
      const before = requests.length;
      await body();
      await page.clock.runFor(1000);
      await tab.isQuiet();
      return requests.slice(before).map(({ method, path }) => `${method} ${path}`);
    },

    /** Wait until events arrive by WebSocket, and what happened before that has been asked for. */
    async isLive() {
      await seen(page.locator('output[data-live=socket]'));
      if (clock) await page.clock.runFor(1000);
      await comes('a list that was asked for since', () => requests.some(({ method, path, isPage, status }) =>
        method === 'GET' && path === '' && !isPage && status !== null));
      await tab.isQuiet();
    },
    /** The same after the socket was away. The pauses between its tries are the tab's clock's, which is the test's. */
    async isLiveAgain() {
      await comes('it listens again', async () => {
        await page.clock.runFor(1000);
        return await page.locator('output[data-live=socket]').count() === 1;
      });
      await tab.asks(() => {});
    },
    /** Wait until it asks instead. */
    isPolling: () => seen(page.locator('output[data-live=polling]')),
    noDialog: () => gone(page.locator('dialog[open]')),
  };
  return tab;
}
