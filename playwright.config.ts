import { defineConfig } from '@playwright/test'
import { candidatePaths, isProgram } from './packages/cli/src/browser/find.ts'
import { browserFlags } from './packages/cli/src/browser/launch.ts'

/** The browser that `rondo` would take; `npm test` puts it into CHROME_PATH, after installing one if need be. */
const executablePath =
  process.env['CHROME_PATH'] || candidatePaths({ platform: process.platform, environment: process.env }).find(isProgram)

/**
 * Browser and end-to-end tests: real Chromium, real WebRTC, real servers on free ports. Two workers, because each
 * test drives several tabs of its own and the smallest machine has two cores; much of the time they wait for each other.
 */
export default defineConfig({
  testDir: 'e2e',
  testMatch: '**/*.spec.ts',
  workers: 2,
  timeout: 120_000,
  forbidOnly: true,
  reporter: [['list']],
  outputDir: 'test-results',
  use: {
    launchOptions: {
      ...(executablePath ? { executablePath } : {}),
      args: browserFlags({ softwareWebGpu: false }, false),
      chromiumSandbox: process.getuid?.() !== 0,
    },
  },
})
