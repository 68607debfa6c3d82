// useToasts: short messages that go by themselves.

import { ref } from 'vue';

const SHOWN_MS = { success: 5000, error: 12_000 };

export function useToasts() {
  const toasts = ref([]);
  let last = 0;

  const dismiss = (id) => (toasts.value = toasts.value.filter((toast) => toast.id !== id));
  function notify(kind, text) {
    const id = ++last;
    toasts.value = [...toasts.value.filter((toast) => toast.text !== text), { id, kind, text }];
    setTimeout(() => dismiss(id), SHOWN_MS[kind]);
  }
  return { toasts, notify, dismiss };
}
