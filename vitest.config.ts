import { configDefaults, defineConfig } from 'vitest/config'

/**
 * Tests that import TensorFlow.js and leave nothing behind: their files share a process, because loading it anew for each
 * took half of the time. Every other file has a process of its own, such as fabric's of jobs and launches, which set the
 * one context of a worker.
 */
const SHARING = [
  'packages/{engine,strategies,collectives,data,trainer}/src/**/*.test.ts',
  'packages/fabric/src/*.test.ts',
  'packages/fabric/src/{checkpoint,collectives,logging,plugins,setup,slots,training}/**/*.test.ts',
]

/** Unit and server tests: everything that needs no browser. Browser tests live in e2e/ and run under Playwright. */
export default defineConfig({
  test: {
    testTimeout: 20_000,
    // Keeps tfjs's greeting and expected warnings out of a green run.
    silent: 'passed-only',
    maxWorkers: 2,
    projects: [
      { extends: true, test: { name: 'sharing', include: SHARING, isolate: false } },
      {
        extends: true,
        test: {
          name: 'alone',
          include: [
            'packages/*/src/**/*.test.{ts,tsx}',
            'apps/*/src/**/*.test.ts',
            'signaling-server/src/**/*.test.ts',
            'scripts/**/*.test.ts',
            'bench/**/*.test.ts',
            'examples/**/*.test.ts',
          ],
          exclude: [...configDefaults.exclude, ...SHARING],
        },
      },
    ],
  },
})
