// service: what the Node.js service and the broadcaster would say, said by a test.

import { randomBytes } from 'node:crypto';
import { packageOf } from '../../integration/lib/packages.mjs';
import { broadcast } from '../../integration/lib/relay.mjs';

const [QRCode, Pusher] = await Promise.all(['qrcode', 'pusher'].map(packageOf));

/** What whatsapp-web.js has a phone read. */
export const newCode = () => `2@${randomBytes(96).toString('base64')},${randomBytes(32).toString('base64')}`;
/** The same as the picture that its services make of it. */
export const imageOf = (code) => QRCode.toDataURL(code);

/** The name under which the Node.js service knows an account that the page has made. */
export const sessionOf = (stack, uuid) =>
  stack.value(`SELECT session_id FROM whatsapp_accounts WHERE uuid = '${uuid}'`);

/** A state, reported. */
export const report = (stack, account, status, more) =>
  broadcast(stack, 'account-status-changed', account, { status, ...more });
/** A QR code, reported; returns it as it is shown. */
export async function showCode(stack, account, { qr_code, expires_in = 60 } = {}) {
  const code = qr_code ?? await imageOf(newCode());
  await broadcast(stack, 'qr-code-generated', account, { qr_code: code, expires_in });
  return code;
}

/** Say something on a workspace's channel that the pool has not said. */
export function tell(pusher, workspace, name, data) {
  const { id, key, secret } = pusher.app;
  return new Pusher({ appId: id, key, secret, host: '127.0.0.1', port: pusher.port, useTLS: false })
    .trigger(`private-workspace.${workspace}`, name, data);
}

/** What a status event would say of the account in this state; `version` is its state_version. */
export const statusEvent = (account, connection_status, version) => ({
  account_id: account.session_id, uuid: account.uuid, workspace_id: account.workspace_id, state_version: version,
  status: connection_status, connection_status, phone_number: account.phone_number,
  metadata: { id: account.id, uuid: account.uuid, phone_number: account.phone_number, is_primary: account.is_primary,
    formatted_phone_number: `+${account.phone_number}`, timestamp: new Date().toISOString() },
  timestamp: new Date().toISOString(),
});
