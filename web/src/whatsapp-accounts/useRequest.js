// useRequest: one request of a dialog's: whether it runs, and what the server said against it.

import { ref } from 'vue';
import { useTranslate } from './useTranslate.js';

/** What went wrong, as a person can read it. */
export const sentenceOf = (error, t) => error.message || t('The server cannot be reached. Try again in a moment.');

export function useRequest() {
  const t = useTranslate();
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
      /* What stands at the fields need not be said again. */
      if (Object.keys(fields.value).length === 0) error.value = sentenceOf(failure, t);
    } finally {
      isBusy.value = false;
    }
  }
  return { isBusy, error, fields, request };
}
