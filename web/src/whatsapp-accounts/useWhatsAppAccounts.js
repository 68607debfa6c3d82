// useWhatsAppAccounts: the state of the page. Everything that changes an account on it goes through here.

import { computed, onBeforeUnmount, onMounted, reactive, ref, watch } from 'vue';
import { createAccounts, detailsOf } from './accounts.js';
import { api } from './api.js';
import { listen } from './live.js';
import { usePolling } from './usePolling.js';

const POLL_PAIRING_MS = 3000;
const POLL_BUSY_LIST_MS = 5000;
const POLL_LIST_MS = 15_000;
/* Several events of one change ask for one list. */
const SETTLE_MS = 300;

/**
 * `props` are the page's own; `echo` is Laravel Echo, or nothing where there is no broadcaster.
 *
 * What it returns is read-only but for `pairing`, the uuid of the account whose QR code is looked at, or null.
 * Its functions ask the server and throw RequestError; meanwhile, `busy` has the account's uuid.
 */
export function useWhatsAppAccounts(props, echo) {
  const accounts = createAccounts(props.accounts ?? []);
  const canAdd = ref(props.canAddAccount);
  const busy = reactive(new Set());
  const pairing = ref(null);
  const live = ref(false);

  /* --- asking */

  async function refresh() {
    const asked = accounts.ask();
    const { accounts: list, canAddAccount } = await api.list();
    accounts.putList(list, asked);
    canAdd.value = canAddAccount;
  }

  async function load(uuid) {
    const asked = accounts.ask();
    try {
      accounts.put(await api.show(uuid), asked);
    } catch (error) {
      if (error.status === 404) accounts.forget(uuid);
      throw error;
    }
  }

  let settling = null;
  function refreshSoon() {
    clearTimeout(settling);
    /* What fails here is mended by the next event, poll or request of a person's. */
    settling = setTimeout(() => refresh().catch(() => {}), SETTLE_MS);
  }
  const loadQuietly = (uuid) => load(uuid).catch(() => {});

  /* A visit by the browser's history brings back what the page was once made of; PHP's rows have not all members. */
  onMounted(refreshSoon);
  /* Somebody else has reloaded the page's props. */
  watch(() => props.accounts, (rows) => accounts.putList(rows ?? [], accounts.ask()));
  watch(() => props.canAddAccount, (can) => (canAdd.value = can));

  /* --- what others do: events, else polling */

  function hearStatus({ uuid, state_version: version, status, connection_status, phone_number, metadata }) {
    if (status === 'deleted') accounts.forget(uuid);
    else {
      accounts.putEvent(uuid, version, { connection_status, phone_number,
        formatted_phone_number: metadata.formatted_phone_number, is_primary: metadata.is_primary });
    }
    /* An event has not all of an account, and may have changed others too. */
    refreshSoon();
  }

  function hearCode({ uuid, state_version: version, qr_code_base64: code, expires_in_seconds: seconds }) {
    /* One that would have been too large comes without its code. */
    const isKnown = accounts.putEvent(uuid, version, { connection_status: 'connecting',
      ...(code && detailsOf(version, code, seconds)) });
    if (!isKnown) refreshSoon();
  }

  const hear = (name, data) => (name === 'qr-code-generated' ? hearCode : hearStatus)(data);

  if (echo) {
    const end = listen(echo, props.workspaceId, {
      hear,
      up() {
        live.value = true;
        /* What happened before the subscription stood was told to nobody. */
        refreshSoon();
        if (pairing.value) loadQuietly(pairing.value);
      },
      down: () => (live.value = false),
    });
    onBeforeUnmount(end);
  }
  onBeforeUnmount(() => clearTimeout(settling));

  /* The code that is to be scanned, or why there is none: neither a list nor every event tells. */
  const paired = computed(() => (pairing.value ? accounts.all.value.find((row) => row.uuid === pairing.value) : null));
  /* A number that was known already goes on with the new account's session, and the dialog with it. */
  let session = null;
  watch([paired, accounts.all], ([row, all]) => {
    const heir = row ?? all.find((other) => session && other.session_id === session);
    if (!pairing.value) session = null;
    else if (heir) {
      session = heir.session_id;
      pairing.value = heir.uuid;
    }
  });

  const isMissing = computed(() => ['connecting', 'error'].includes(paired.value?.connection_status)
    && paired.value.detailed !== paired.value.state_version);
  watch(isMissing, (is) => is && loadQuietly(pairing.value));

  const isConnecting = computed(() => accounts.all.value.some((row) => row.connection_status === 'connecting'));
  usePolling(() => load(pairing.value),
    () => (pairing.value && (!live.value || isMissing.value) ? POLL_PAIRING_MS : null));
  usePolling(refresh, () => {
    if (live.value) return null;
    return isConnecting.value || pairing.value ? POLL_BUSY_LIST_MS : POLL_LIST_MS;
  });

  /* --- what a person does */

  async function whileBusy(uuid, work) {
    if (busy.has(uuid)) return;
    busy.add(uuid);
    try {
      await work();
    } catch (error) {
      /* Already connected, gone, at its limit: what is shown is old. */
      if (error.status < 500) refreshSoon();
      throw error;
    } finally {
      busy.delete(uuid);
    }
  }

  const act = (uuid, action) => whileBusy(uuid, async () => {
    const asked = accounts.ask();
    accounts.put(await api.act(uuid, action), asked);
    refreshSoon();
  });

  return {
    accounts: accounts.all,
    canAdd,
    busy,
    live,
    pairing,
    paired,
    refresh,
    /** The new account. */
    async create(fields) {
      const asked = accounts.ask();
      const row = await api.create(fields);
      accounts.put(row, asked);
      refreshSoon();
      return row;
    },
    setPrimary: (uuid) => act(uuid, 'set-primary'),
    disconnect: (uuid) => act(uuid, 'disconnect'),
    reconnect: (uuid) => act(uuid, 'reconnect'),
    regenerateCode: (uuid) => act(uuid, 'regenerate-qr'),
    destroy: (uuid) => whileBusy(uuid, async () => {
      await api.destroy(uuid);
      accounts.forget(uuid);
      refreshSoon();
    }),
    statistics: api.statistics,
  };
}
