// accounts: what this page knows of the workspace's accounts, and what of all that comes in is newer.
//
// Answers and events arrive in any order. Two things decide: state_version, and, where two rows have the same,
// whether the answer was asked for before or after the page heard something about that account. So an event that
// comes late, or twice, or an answer that took long, never puts back what was there before.

import { computed, shallowReactive } from 'vue';

/* Rows that PHP has made have none; whatever the pool says is newer. */
const versionOf = (row) => row.state_version ?? -1;

const byRank = (a, b) => b.is_primary - a.is_primary || (b.created_at ?? '').localeCompare(a.created_at ?? '')
  || b.id - a.id;

/**
 * What a list does not tell of an account, and of which version it is known; `until` is on the page's own clock, which
 * nobody sets.
 */
export const detailsOf = (version, code, seconds) => ({ detailed: version,
  qr: { code, until: performance.now() + (seconds ?? 0) * 1000 } });

/** A row as it is shown, after an answer; what is known of its details stays where the answer has none. */
function merged(have, { qr_code: code, expires_in_seconds: seconds, ...row }) {
  return { ...have, ...row, ...(code === undefined ? {} : detailsOf(row.state_version, code, seconds)) };
}

export function createAccounts(rows) {
  const shown = shallowReactive(new Map());
  /* By uuid: at which turn the page heard of it last, also of those that are gone. */
  const heard = new Map();
  let turn = 0;
  let lastList = 0;

  const mark = (uuid) => heard.set(uuid, ++turn);
  const heardSince = (uuid, asked) => (heard.get(uuid) ?? 0) > asked;

  function show(row) {
    shown.set(row.uuid, row);
    if (!row.is_primary) return;
    for (const other of shown.values()) {
      if (other.is_primary && other.uuid !== row.uuid) {
        shown.set(other.uuid, { ...other, is_primary: false });
        mark(other.uuid);
      }
    }
  }

  function forget(uuid) {
    shown.delete(uuid);
    mark(uuid);
  }

  /** The row of an answer that was asked for at turn `asked`. */
  function put(row, asked) {
    const have = shown.get(row.uuid);
    const isOlder = have && versionOf(row) < versionOf(have);
    const isNewer = have && versionOf(row) > versionOf(have);
    if (isOlder || (!isNewer && heardSince(row.uuid, asked))) return;
    show(merged(have, row));
    /* A list that was asked for before does not know it, and must not take it away. */
    if (!have) mark(row.uuid);
  }

  /** The whole list. What it does not have is gone, unless the page has heard of it in the meantime. */
  function putList(list, asked) {
    if (asked < lastList) return;
    lastList = asked;
    const listed = new Set(list.map((row) => row.uuid));
    /* The primary last: it alone takes the mark from the others. */
    for (const row of [...list].reverse()) put(row, asked);
    for (const uuid of shown.keys()) if (!listed.has(uuid) && !heardSince(uuid, asked)) forget(uuid);
  }

  /** What an event changes of a row; false if the page does not know that row, and has to ask. */
  function putEvent(uuid, version, changes) {
    const have = shown.get(uuid);
    if (!have) return false;
    if (version > versionOf(have)) {
      show({ ...have, ...changes, state_version: version });
      mark(uuid);
    }
    return true;
  }

  putList(rows, 0);
  return {
    all: computed(() => [...shown.values()].sort(byRank)),
    find: (uuid) => shown.get(uuid),
    /** To be called before asking: what put and putList want to know. */
    ask: () => ++turn,
    put,
    putList,
    putEvent,
    forget,
  };
}
