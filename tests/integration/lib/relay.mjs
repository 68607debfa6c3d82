// relay: a pool with its relay and nothing before it, for the time of one test, and what the log tells of the relay.

import { BASE, isBroadcasted } from './expect.mjs';
import { events } from './observe.mjs';
import { until } from './processes.mjs';
import { startStack } from './stack.mjs';

/** In the time of which the relay looks many times for work, and twice for what time does. */
export const SOME_LOOKS_MS = 2200;

/** A stack without nginx whose relay runs and speaks to these peers; ended with the test. */
export async function makePool(t, { pusher, node }, changes = {}, options = {}) {
  const stack = await startStack({ nginx: false, ...options, env: { WA_WORKERS: 2, WA_RELAY: 'on', WA_RELAY_POLL: 100,
    ...pusher.env(), ...node.env(), ...changes } });
  t.after(() => stack.stop());
  if (options.pool !== false && stack.settings.WA_RELAY === 'on') await nextRelay(stack);
  return stack;
}

export const someAccount = async (stack, columns = {}) =>
  stack.account({ workspace_id: await stack.workspace(), ...columns });
/** Accounts in as many workspaces. */
export const several = (stack, count) => Promise.all(Array.from({ length: count }, () => someAccount(stack)));

/** What the Node.js service would send, straight to the pool. */
export const broadcast = async (stack, event, account, data) => isBroadcasted(await stack.fcgiSigned('POST',
  `${BASE}/broadcast`, { event, data: { account_id: account.uuid, workspace_id: account.workspace_id, ...data } }));
export const report = (stack, account, status) => broadcast(stack, 'account-status-changed', account, { status });

/** The pid of the relay that was started last. */
export const relayOf = (stack) => Number(events(stack.log(), 'relay_started').at(-1).child);
/** That of one that is another than `earlier`, as soon as it tells that it has started; without that, the first. */
export const nextRelay = (stack, earlier) => until('another relay', () =>
  relayOf(stack) !== earlier && relayOf(stack));

/** While `body` runs, this peer answers nobody: release() lets go all whom it keeps waiting. */
export async function whileHeld(peer, body, whom = () => true) {
  let release;
  const gate = new Promise((resolve) => (release = resolve));
  peer.behave((request) => (whom(request) ? gate : undefined));
  try {
    return await body(release);
  } finally {
    release();
    peer.behave(undefined);
  }
}

/** As at the beginning: it answers as usual, and has forgotten what it was asked. */
export async function mend(peer) {
  peer.behave(undefined);
  await peer.stop();
  await peer.start();
  peer.forget();
}
