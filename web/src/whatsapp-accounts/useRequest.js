// useRequest: one request of a dialog's: whether it runs, and what the server said against it.

import { inject, onBeforeUnmount, ref } from 'vue';
import { useTranslate } from './useTranslate.js';

/** What went wrong, as a person can read it. */
export const sentenceOf = (error, t) => error.message || t('The server cannot be reached. Try again in a moment.');

export function useRequest() {
  const t = useTranslate();
  const notify = inject('notify');
  let isClosed = false;
  onBeforeUnmount(() => (isClosed = true));
  const isBusy = ref(false);
  const error = ref(null);
  const fields = ref({});

  async function request(work) {
    if (isBusy.value) return;
    isBusy.value = true;
    error.value = null;
    fields.value = {};
    try {
      await work();
    } catch (failure) {
      fields.value = failure.errors ?? {};
      /* Whoever has closed the dialog meanwhile reads it all the same. */
      if (isClosed) notify('error', sentenceOf(failure, t));
      /* What stands at the fields need not be said again. */
      else if (Object.keys(fields.value).length === 0) error.value = sentenceOf(failure, t);
    } finally {
      isBusy.value = false;
    }
  }
  return { isBusy, error, fields, request };
}
