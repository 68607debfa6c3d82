// translate: $t as the application has it: the sentence itself is the key. Standalone there is English only.

/** For app.use(): $t(sentence, {name: value}) puts the value in the place of `:name`. */
export const translate = {
  install(app) {
    app.config.globalProperties.$t = (sentence, values = {}) =>
      sentence.replace(/:(\w+)/g, (all, name) => values[name] ?? all);
  },
};
