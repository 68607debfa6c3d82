// The dialog in which a QR code is scanned. Who closes it has given up, and so has who does not come: what was begun
// is cleaned up, whatever it was.

const GIVES_UP_AFTER_MS = 120_000;

const dialog = document.querySelector('#pairing');
const [text, image, button] = dialog.children;

/** `base`: the path of all sessions; `ended` is called whenever there is something new to be listed. */
export function createPairing({ base, pollMs, ended }) {
  let current = null;
  let timers = [];

  function showCode(code) {
    image.hidden = !code;
    text.hidden = Boolean(code);
    if (code) image.src = code;
    else image.removeAttribute('src');
  }

  /* It is over for the page; what it was, if it was something. */
  function leave() {
    const left = current;
    current = null;
    for (const timer of timers) clearTimeout(timer);
    if (dialog.open) dialog.close();
    return left;
  }

  async function loadCode(session) {
    const { data } = await axios.get(`${base}/${session.uuid}`);
    if (current === session && data.data.qr_code) showCode(data.data.qr_code);
  }

  async function poll(session) {
    const { data } = await axios.get(`/api/whatsapp/sessions/${session.session_id}/status`);
    if (current === session && data.status === 'connected' && data.phone_number) finish();
  }

  function finish() {
    if (leave()) ended().catch(told);
  }

  async function giveUp() {
    const left = leave();
    if (!left) return;
    /* With the Accept that axios has by itself. */
    await axios.delete(`${base}/${left.uuid}`).catch(told);
    await ended();
  }

  const told = (error) => console.info(error.response?.data?.message ?? error.message);

  dialog.oncancel = () => giveUp().catch(told);
  button.onclick = () => giveUp().catch(told);

  return {
    begin(session) {
      leave();
      current = session;
      showCode(null);
      dialog.dataset.uuid = session.uuid;
      dialog.showModal();
      timers = [
        setTimeout(() => giveUp().catch(told), GIVES_UP_AFTER_MS),
        setInterval(() => {
          poll(session).catch(told);
          if (image.hidden) loadCode(session).catch(told);
        }, pollMs),
      ];
    },
    finish,
    /** An event brings a code, or says that there is one. */
    qrCode({ account_id, qr_code_base64 }) {
      if (account_id !== current?.session_id) return;
      if (qr_code_base64) showCode(qr_code_base64);
      else loadCode(current).catch(told);
    },
  };
}
