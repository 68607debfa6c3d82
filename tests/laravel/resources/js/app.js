// The application's own entry: its pages by name, its language, its style. The page of the accounts and what it
// consists of are copied to their places beside this before it is built.

import './app.css';
import { createInertiaApp } from '@inertiajs/vue3';
import { createApp, h } from 'vue';
import { i18n } from './i18n.js';

const pages = import.meta.glob('./Pages/**/*.vue', { eager: true });

createInertiaApp({
  resolve: (name) => pages[`./Pages/${name}.vue`],
  setup({ el, App, props, plugin }) {
    createApp({ render: () => h(App, props) }).use(plugin).use(i18n).mount(el);
  },
});
