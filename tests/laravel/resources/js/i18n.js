// What the application's i18n gives to its templates: $t, in the language of the person.

import id from './id.json';

export const i18n = {
  install: (app) => (app.config.globalProperties.$t = (key) => id[key] ?? key),
};
