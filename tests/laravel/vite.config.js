import vue from '@vitejs/plugin-vue';
import tailwindcss from 'tailwindcss';
import { defineConfig } from 'vite';

export default defineConfig({
  base: '/build/',
  plugins: [vue()],
  css: {
    postcss: {
      plugins: [tailwindcss({
        content: [`${import.meta.dirname}/resources/js/**/*.vue`],
        theme: { extend: { colors: { primary: '#7c3aed' } } },
      })],
    },
  },
  build: { outDir: 'build', manifest: 'manifest.json', rollupOptions: { input: 'resources/js/app.js' } },
});
