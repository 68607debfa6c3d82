// The page of sessions as it was before they were called accounts: what it asks for and by which paths, which headers
// go with that, what it makes of answers and events. Nothing in this folder knows a name of today.
//
// In the address: `key` is the broadcaster's (without it no events arrive), `poll` how many ms pass between two
// questions for the state of what is being paired.

import { listen } from './channel.js';
import { createPairing } from './pairing.js';

const SESSIONS = '/settings/whatsapp-sessions';
const SHOWN = ['connected', 'authenticated', 'disconnected'];

const given = new URLSearchParams(location.search);
const list = document.querySelector('#sessions');
let sessions = [];

const pairing = createPairing({ base: SESSIONS, pollMs: Number(given.get('poll') ?? 3000), ended: load });

async function load() {
  const { data } = await axios.get(SESSIONS);
  sessions = data.accounts;
  show();
  return data;
}

function element(name, text, more = {}) {
  return Object.assign(document.createElement(name), { textContent: text, ...more });
}

function row(session) {
  const { uuid, status, is_primary, phone_number } = session;
  const item = element('li', '');
  Object.assign(item.dataset, { uuid, status });
  item.append(element('span', phone_number ?? 'no number'), element('em', is_primary ? 'Primary' : ''));
  const button = (label, work) => item.append(element('button', label, { onclick: () => work(session).catch(tell) }));
  if (status === 'disconnected') button('Reconnect', reconnect);
  else {
    button('Disconnect', disconnect);
    if (!is_primary) button('Set as primary', setPrimary);
  }
  button('Delete', remove);
  return item;
}

function show() {
  list.replaceChildren(...sessions.filter(({ status }) => SHOWN.includes(status)).map(row));
}

const tell = (error) => console.info(error.message);

// --- What a person does.

async function add() {
  const { data } = await axios.post(SESSIONS, { provider_type: 'webjs' });
  const { uuid, session_id, status } = data.account;
  pairing.begin({ uuid, session_id, status });
}

async function reconnect({ uuid, session_id, status }) {
  await axios.post(`${SESSIONS}/${uuid}/reconnect`);
  pairing.begin({ uuid, session_id, status });
}

async function disconnect({ uuid }) {
  await axios.post(`${SESSIONS}/${uuid}/disconnect`);
  await load();
}

async function setPrimary({ uuid }) {
  await axios.post(`${SESSIONS}/${uuid}/set-primary`);
  await load();
}

async function remove({ uuid }) {
  await axios.delete(`${SESSIONS}/${uuid}`, { headers: { Accept: 'application/json' } });
  await load();
}

// --- What it is told.

function changed({ account_id, status }) {
  /* Whosever it is: the page has never asked. */
  if (status === 'connected') {
    pairing.finish();
    load().catch(tell);
    return;
  }
  const session = sessions.find(({ session_id }) => session_id === account_id);
  if (!session || status !== 'disconnected') return;
  session.status = status;
  show();
}

const { workspaceId } = await load();
if (given.has('key')) {
  listen(given.get('key'), workspaceId, { qrCode: pairing.qrCode, changed,
    ready: () => (document.body.dataset.live = 'true') });
}
const button = document.querySelector('#add');
button.onclick = () => add().catch(tell);
button.disabled = false;
