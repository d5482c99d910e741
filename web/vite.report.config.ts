// Builds the script of report pages: one file without imports, which the program puts into a page as it is.
import { defineConfig } from 'vite';

export default defineConfig({
  define: { 'process.env.NODE_ENV': '"production"' },
  publicDir: false,
  build: {
    target: 'es2022',
    outDir: 'dist/report',
    chunkSizeWarningLimit: 1500,
    lib: { entry: 'src/report/plots.ts', formats: ['iife'], name: 'reportPlots', fileName: () => 'plots.js' },
  },
});
