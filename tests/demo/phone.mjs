// phone: the simulator's side for people: which sessions there are, and buttons in place of a phone. For programs it is
// the same in JSON:
//
//   GET  /phone
//   POST /phone/{session_id}/scan    {phone_number?}
//   POST /phone/{session_id}/unlink
//   POST /phone/{session_id}/fail    {error?}

/** Why a phone cannot do what it was told to. */
export class PhoneError extends Error {}

const escape = (value) => String(value ?? '').replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const STYLE = `:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 44rem; margin: 2rem auto; padding: 0 1rem }
ul { list-style: none; padding: 0 }
li { border: 1px solid #8885; border-radius: .5rem; padding: .75rem 1rem; margin: .75rem 0 }
li.waits { border-color: #16a34a }
form { display: inline-flex; gap: .5rem; margin: .25rem .5rem 0 0 }
code { overflow-wrap: anywhere }
p { margin: 0 }
`;

/* A Content-Security-Policy lets no inline script run, so it is a file. */
const SCRIPT = `setInterval(() => {
  if (!document.hidden && !document.activeElement?.matches('input')) location.reload();
}, 2000);
`;

const button = (id, verb, label, field = '') =>
  `<form method="post" action="/phone/${escape(id)}/${verb}">${field}<button>${label}</button></form>`;

function item(id, session) {
  const { status, account_id, workspace_id, code, codes, expires_at, phone_number, own_number } = session;
  const number = phone_number ?? own_number;
  const shown = code ? `, code ${codes}, good for ${Math.max(0, Math.round((expires_at - Date.now()) / 1000))} s` : '';
  const field = `<input name="phone_number" inputmode="tel" aria-label="Phone number"
    placeholder="${escape(number ?? 'some number')}">`;
  return `<li${code ? ' class="waits"' : ''}>
    <p><strong>${escape(number ?? 'no number yet')}</strong>: ${escape(status)}${shown}</p>
    <p>account ${escape(account_id)} of workspace ${escape(workspace_id)}, <code>${escape(id)}</code></p>
    ${code ? button(id, 'scan', 'Scan', field) : ''}
    ${status === 'connected' ? button(id, 'unlink', 'Unlink phone') : ''}
    ${status === 'failed' ? '' : button(id, 'fail', 'Fail')}</li>`;
}

const page = (sessions) => `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Phones</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/phone/style.css">
<script type="module" src="/phone/script.js"></script></head>
<body><h1>Phones</h1>
<p>The sessions of the simulated Node.js service. “Scan” is what a phone does that scans the session's QR code.</p>
${sessions.length === 0 ? '<p>No session yet: add a number on the page.</p>' : `<ul>${sessions.join('\n')}</ul>`}
</body></html>
`;

const file = (type, body) => ({ headers: { 'Content-Type': `${type}; charset=utf-8`, 'Cache-Control': 'no-store' }, body });
const problem = (status, message) => ({ status, body: { success: false, message } });

/** Answers what is below /phone, and undefined to everything else. */
export function phonePages({ sessions, linked, numberOf, scan, unlink, fail }) {
  const verbs = {
    scan: (id, { phone_number }) => scan(id, phone_number || undefined),
    unlink,
    fail: (id, { error }) => fail(id, error || undefined),
  };

  async function list(wantsPage) {
    /* Those that wait for a phone first, then the newest. */
    const all = [...sessions].reverse().sort(([, a], [, b]) => Boolean(b.code) - Boolean(a.code));
    if (!wantsPage) {
      return { body: { sessions: all.map(([id, session]) => ({ session_id: id, ...session, linked: linked.has(id) })) } };
    }
    await Promise.all(all.filter(([, session]) => session.code).map(([id]) => numberOf(id)));
    return file('text/html', page(all.map(([id, session]) => item(id, session))));
  }

  async function act(record, id, verb) {
    const isForm = record.headers['content-type']?.startsWith('application/x-www-form-urlencoded');
    const input = isForm ? Object.fromEntries(new URLSearchParams(record.text)) : record.json ?? {};
    let told;
    try {
      told = await verbs[verb](id, input);
    } catch (error) {
      if (!(error instanceof PhoneError)) throw error;
      /* What a person sees on the page is newer than what they have clicked on. */
      if (!isForm) return problem(sessions.has(id) ? 409 : 404, error.message);
    }
    if (isForm) return { status: 303, headers: { Location: '/phone' } };
    return { body: { success: true, pool: told } };
  }

  return (record) => {
    const { method, path, headers } = record;
    if (method === 'GET' && path === '/phone') return list(headers.accept?.includes('text/html'));
    if (method === 'GET' && path === '/phone/style.css') return file('text/css', STYLE);
    if (method === 'GET' && path === '/phone/script.js') return file('text/javascript', SCRIPT);
    const found = method === 'POST' && path.match(/^\/phone\/([-_A-Za-z0-9]+)\/(scan|unlink|fail)$/);
    if (found) return act(record, found[1], found[2]);
    return path === '/phone' || path.startsWith('/phone/') ? problem(404, 'Not found') : undefined;
  };
}
