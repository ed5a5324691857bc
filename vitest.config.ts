import { defineConfig } from 'vitest/config'

/** Unit and server tests: everything that needs no browser. Browser tests live in e2e/ and run under Playwright. */
export default defineConfig({
  test: {
    include: [
      'packages/*/src/**/*.test.{ts,tsx}',
      'apps/*/src/**/*.test.ts',
      'signaling-server/src/**/*.test.ts',
      'scripts/**/*.test.ts',
      'bench/**/*.test.ts',
      'examples/**/*.test.ts',
    ],
    testTimeout: 20_000,
    // Keeps tfjs's greeting and expected warnings out of a green run.
    silent: 'passed-only',
    maxWorkers: 2,
  },
})
