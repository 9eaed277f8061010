import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/**
 * The web is static: the service serves `dist/` under `/`, hashed files under `/assets`.
 * `npm run dev` proxies the API so that pages and service share one origin, as in production.
 */
export default defineConfig({
  plugins: [react()],
  build: {
    outDir: 'dist',
    assetsDir: 'assets',
    // Nothing may be inlined into the page: the service's content security policy allows no inline script.
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 600,
  },
  server: { proxy: { '/v1': { target: 'http://localhost:3000', changeOrigin: false } } },
});
