// The page in the application itself: its layout, its language, its build; navigations are Laravel's, and all that the
// page asks for afterwards is the pool's.

import assert from 'node:assert/strict';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startSimulator } from '../demo/simulator.mjs';
import { connected } from '../integration/lib/fixtures.mjs';
import { startLaravel } from '../integration/lib/laravel.mjs';
import { PAGE } from '../integration/lib/login.mjs';
import { metrics } from '../integration/lib/observe.mjs';
import { run } from '../integration/lib/processes.mjs';
import { source, startStack } from '../integration/lib/stack.mjs';
import { startChromium } from './lib/chromium.mjs';
import { seen } from './lib/look.mjs';
import { openTab } from './lib/tab.mjs';

/* Where npm has put what web/package.json names. */
const packages = process.env.WA_WEB || `${source}/.run/web`;

/** The application's front end with the page in it, as the README says; built into `${dir}/build`. */
async function buildApplication(dir) {
  const app = join(dir, 'front-end');
  const js = join(app, 'resources/js');
  mkdirSync(app);
  cpSync(`${source}/tests/laravel/resources`, join(app, 'resources'), { recursive: true });
  cpSync(`${source}/tests/laravel/vite.config.js`, join(app, 'vite.config.js'));
  /* What the README tells to copy. */
  const page = 'Pages/User/Settings/WhatsAppAccounts.vue';
  cpSync(`${source}/web/src/${page}`, join(js, page));
  cpSync(`${source}/web/src/whatsapp-accounts`, join(js, 'whatsapp-accounts'), { recursive: true });

  writeFileSync(join(app, 'package.json'), '{"type":"module"}');
  symlinkSync(`${packages}/node_modules`, join(app, 'node_modules'));
  const { code, out } = await run(process.execPath, [join(app, 'node_modules/vite/bin/vite.js'), 'build', app,
    '--outDir', join(dir, 'build')]);
  assert.equal(code, 0, out);
}

const servesBuild = (text, dir) => text.replace('location @laravel', `location ^~ /build/ {
            alias ${dir}/build/;
            types { text/javascript js; text/css css; }
        }

        location @laravel`);

describe('in the application', () => {
  let stack, laravel, simulator, chromium, tab, account;

  before(async () => {
    simulator = await startSimulator({ qrAfterMs: 50 });
    stack = await startStack({ editNginx: servesBuild,
      env: { WA_RELAY: 'on', WA_RELAY_POLL: 100, ...simulator.env() } });
    simulator.reportTo(stack);
    await buildApplication(stack.dir);
    laravel = await startLaravel(stack);
    const workspace = await stack.workspace();
    const user = await laravel.user({ workspace });
    account = await stack.account(connected({ workspace_id: workspace, account_name: 'Kopi Pagi', is_primary: 1 }));

    chromium = await startChromium();
    tab = await openTab(await chromium.newContext({ baseURL: stack.url }));
    /* The login ends at a page that is JSON: there the browser asks for an icon itself. */
    tab.faults.expects(/favicon\.ico/);
    await tab.page.goto('/login');
    await tab.page.locator('[name=email]').fill(user.email);
    await tab.page.locator('[name=workspace]').fill(String(workspace));
    await tab.page.getByRole('button', { name: 'Log in' }).click();
  });
  after(async () => {
    await chromium?.close();
    await stack?.stop();
    await simulator?.stop();
  });

  test('its layout stands around the page, in its language, with the rows that PHP has made', async () => {
    await tab.page.goto(PAGE);
    await seen(tab.page.getByRole('heading', { level: 1, name: 'Nomor WhatsApp' }));
    await seen(tab.page.getByRole('navigation', { name: 'Pengaturan' }));
    assert.equal(await tab.page.getByRole('navigation').innerText(), 'Toko Kopi');
    assert.equal(await tab.state(account).innerText(), 'Terhubung');
    /* What PHP's rows do not have comes from the pool. */
    await seen(tab.row(account).getByText('Last heard from: 1 menit yang lalu'));
  });

  test('a number is added, paired and made primary by the pool, with Laravel\'s login and token', async () => {
    await tab.page.getByRole('button', { name: 'Tambah Nomor WhatsApp' }).click();
    await tab.page.getByLabel('Nomor telepon').fill('+62 812 3456 7890');
    await tab.page.getByRole('button', { name: 'Tambah nomor', exact: true }).click();
    await seen(tab.page.getByRole('img', { name: 'QR code' }));
    const [, session] = await stack.column('SELECT session_id FROM whatsapp_accounts ORDER BY id');
    await simulator.scan(session);
    await seen(tab.page.getByText('Nomor ini terhubung.').first());
    await tab.page.getByRole('button', { name: 'Tutup' }).click();

    await tab.page.getByRole('button', { name: /^Set as primary: \+62/ }).click();
    await seen(tab.rows.first().filter({ hasText: '+62' }).getByText('Primary', { exact: true }));
    assert.deepEqual(await stack.column('SELECT session_id FROM whatsapp_accounts WHERE is_primary'), [session]);
  });

  test('nothing but the navigation was Laravel\'s, and the console has no complaint', async () => {
    const asked = Object.keys(await metrics(stack)).join('\n');
    for (const route of ['index', 'store', 'show', 'set_primary']) {
      assert.match(asked, new RegExp(`wa_requests_total\\{route="browser\\.${route}",status="2..`));
    }
    assert.doesNotMatch(laravel.log(), /ERROR|WARNING/);
    assert.deepEqual(tab.faults.left(), []);
  });
});
