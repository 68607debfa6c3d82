// useTranslate: the application's $t for scripts; without one, the English sentence.

import { getCurrentInstance } from 'vue';

export function useTranslate() {
  const { $t } = getCurrentInstance().appContext.config.globalProperties;
  return $t ?? ((sentence) => sentence);
}
