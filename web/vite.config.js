import { defineConfig } from 'vite';
import vue from '@vitejs/plugin-vue';
import tailwindcss from 'tailwindcss';

/* nginx/wa-accounts-standalone.conf serves what is built here, under this path (WA_PAGE_ASSETS). */
export default defineConfig({
  base: '/wa-accounts/',
  plugins: [vue()],
  css: {
    postcss: {
      plugins: [tailwindcss({
        content: [`${import.meta.dirname}/src/**/*.vue`],
        /* In the application, its own; this one is readable under white. */
        theme: { extend: { colors: { primary: '#047857' } } },
      })],
    },
  },
  /* Inertia's mixin for the Options API is the only thing here that would use it. */
  define: { __VUE_OPTIONS_API__: 'false' },
  resolve: { alias: { 'side-channel': `${import.meta.dirname}/src/standalone/side-channel.cjs` } },
  build: {
    outDir: 'dist',
    manifest: 'manifest.json',
    target: 'es2022',
    /* A Content-Security-Policy without data: for scripts and fonts holds only if nothing is inlined. */
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: { input: 'src/main.js' },
  },
});
