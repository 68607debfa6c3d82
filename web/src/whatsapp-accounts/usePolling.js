// usePolling: asks again and again while there is nothing better, less often while nobody looks.

import { onBeforeUnmount, watch } from 'vue';

const WHILE_HIDDEN = 5;

/** Runs `task` every `every()` ms, counted from the end of the last; null: not at all. */
export function usePolling(task, every) {
  let timer = null;
  let runs = false;

  function schedule() {
    clearTimeout(timer);
    const ms = every();
    if (ms !== null && !runs) timer = setTimeout(run, document.hidden ? WHILE_HIDDEN * ms : ms);
  }

  async function run() {
    runs = true;
    /* What fails now is asked again later anyway. */
    await task().catch(() => {});
    runs = false;
    schedule();
  }

  function visibilityChanged() {
    clearTimeout(timer);
    if (!document.hidden && every() !== null && !runs) run();
    else schedule();
  }

  watch(every, schedule, { immediate: true });
  document.addEventListener('visibilitychange', visibilityChanged);
  onBeforeUnmount(() => {
    document.removeEventListener('visibilitychange', visibilityChanged);
    clearTimeout(timer);
    runs = true;
  });
}
