import { defineConfig } from '@playwright/test'

/**
 * Browser and end-to-end tests: real Chromium, real WebRTC, real servers on free ports. One worker, because
 * each test drives several tabs of its own and the smallest machine has two cores.
 */
export default defineConfig({
  testDir: 'e2e',
  testMatch: '**/*.spec.ts',
  workers: 1,
  timeout: 120_000,
  forbidOnly: true,
  reporter: [['list']],
  outputDir: 'test-results',
})
