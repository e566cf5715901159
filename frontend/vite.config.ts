import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// The pages are served by the API process, so they are built into its package.
export default defineConfig({
  plugins: [react()],
  resolve: { alias: { "@": new URL("./src", import.meta.url).pathname } },
  build: { outDir: "../backend/static", emptyOutDir: true, chunkSizeWarningLimit: 900 },
  server: { proxy: { "/api": process.env.SCELAB_URL ?? "http://127.0.0.1:8265" } },
  test: { environment: "jsdom", setupFiles: ["src/test-setup.ts"], css: false, testTimeout: 20_000 },
});
