// useClock: the page's own clock as something that can be watched.

import { onBeforeUnmount, ref } from 'vue';

/** performance.now(), renewed every `everyMs`. */
export function useClock(everyMs) {
  const now = ref(performance.now());
  const timer = setInterval(() => (now.value = performance.now()), everyMs);
  onBeforeUnmount(() => clearInterval(timer));
  return now;
}
