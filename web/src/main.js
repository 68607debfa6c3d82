// main: the page on its own, where no Laravel application stands around it.

import './standalone/style.css';
import { createInertiaApp } from '@inertiajs/vue3';
import { createApp, h } from 'vue';
import WhatsAppAccounts from './Pages/User/Settings/WhatsAppAccounts.vue';
import { createEcho } from './standalone/echo.js';
import { translate } from './standalone/translate.js';

const pages = { 'User/Settings/WhatsAppAccounts': WhatsAppAccounts };

window.Echo = createEcho();

createInertiaApp({
  resolve: (name) => pages[name],
  /* It would bring styles of its own into the page, which our Content-Security-Policy refuses. */
  progress: false,
  setup({ el, App, props, plugin }) {
    createApp({ render: () => h(App, props) }).use(plugin).use(translate).mount(el);
  },
});
