// status: what the Node.js service asks most: one account, signed.

import { startStack } from '../integration/lib/stack.mjs';
import { signedHeaders } from '../integration/lib/sign.mjs';
import { addFloor, measure, reportMemory, reportRatio, reportTable, startFloor, workers } from './measure.mjs';

const FLOOR = 'the floor (8 workers)', OURS = `wa-accounts (${workers} workers)`, NGINX = 'nginx return 200';

export async function run(rounds) {
  /* The same processes from begin to end, so that their CPU time can be told. */
  const stack = await startStack({ server: 'own', editNginx: addFloor, env: { WA_WORKERS: workers, WA_MAX_REQUESTS: 0 } });
  let floor;
  try {
    floor = await startFloor(stack, 'status');
    const { id } = await stack.account({ workspace_id: await stack.workspace(), connection_status: 'connected',
      is_active: 1, phone_number: '+62 812-3456 7890' });
    const targets = {
      [NGINX]: { url: `${stack.url}/bench/return200`, headers: () => ({}), pids: () => [] },
      [FLOOR]: { url: `${stack.url}/floor/${id}`, headers: () => ({}), pids: floor.children },
      [OURS]: { url: `${stack.url}/api/whatsapp/accounts/${id}/status`,
        headers: () => signedHeaders(stack.secret, ''), pids: () => stack.children() },
    };
    const results = measure(stack, targets, rounds);
    reportTable(results);
    console.log();
    reportRatio(results, OURS, NGINX);
    reportRatio(results, OURS, FLOOR);
    reportMemory(targets);
  } finally {
    await floor?.stop();
    await stack.stop();
  }
}
