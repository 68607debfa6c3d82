// list: the page's 20 accounts, for somebody who is logged in to Laravel, next
// to the same list by Laravel itself (php-fpm, opcache, everything compiled) and
// next to the floor, which asks the same of the database and decrypts, checks
// and sends nothing else; and to the floor without the question who may see it.

import { connected } from '../integration/lib/fixtures.mjs';
import { startLaravel } from '../integration/lib/laravel.mjs';
import { startStack } from '../integration/lib/stack.mjs';
import { addFloor, measure, reportCpuRatio, reportMemory, reportRatio, reportTable, startFloor, workers } from './measure.mjs';

const FLOOR = 'the floor (8 workers)', OPEN = 'the same, to anybody', OURS = `wa-accounts (${workers} workers)`, LARAVEL = 'Laravel (4 php-fpm workers)';
const ACCOUNTS = 20;

export async function run(rounds) {
  const stack = await startStack({ server: 'own', editNginx: addFloor, env: { WA_WORKERS: workers, WA_MAX_REQUESTS: 0 } });
  let floor;
  try {
    floor = await startFloor(stack, 'list');
    const laravel = await startLaravel(stack, { workers: 4, production: true });
    const workspace = await stack.workspace();
    const user = await laravel.user({ workspace });
    for (let i = 0; i < ACCOUNTS; i++) {
      await stack.account({ ...connected(), workspace_id: workspace, phone_number: `+62 812-3456 ${1000 + i}`,
        is_primary: i === 0 ? 1 : 0, account_name: `Number ${i}`, metadata: '{"recent_failures":1}' });
    }
    const ana = await laravel.login(user.email, workspace);
    const headers = () => ({ Cookie: ana.cookies(), Accept: 'application/json', 'X-Requested-With': 'XMLHttpRequest' });
    const floorUrl = `${stack.url}/floor/${laravel.sessionId(ana)}`;
    const targets = {
      [FLOOR]: { url: `${floorUrl}/${user.id}/${workspace}`, headers: () => ({}), pids: floor.children },
      [OPEN]: { url: `${floorUrl}/-/${workspace}`, headers: () => ({}), pids: floor.children },
      [OURS]: { url: `${stack.url}/settings/whatsapp-accounts`, headers, pids: () => stack.children() },
      [LARAVEL]: { url: `${stack.url}/php/accounts`, headers, pids: () => laravel.children() },
    };
    for (const [name, target] of Object.entries(targets)) {
      const answer = await stack.call('GET', target.url.slice(stack.url.length), { headers: target.headers() });
      const found = JSON.parse(answer.text).accounts.length;
      if (found !== ACCOUNTS) throw new Error(`${name} lists ${found} accounts`);
    }
    const results = measure(stack, targets, rounds);
    reportTable(results);
    console.log();
    reportRatio(results, OURS, FLOOR);
    reportRatio(results, OURS, OPEN);
    reportRatio(results, OURS, LARAVEL);
    reportCpuRatio(results, OURS, FLOOR);
    reportCpuRatio(results, OURS, LARAVEL);
    reportMemory(targets);
  } finally {
    await floor?.stop();
    await stack.stop();
  }
}
