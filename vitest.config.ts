import { defineConfig } from 'vitest/config'

const exclude = ['**/node_modules/**', 'dist/**', '.millrace/**']
const roots = '{apps,libs,topics,schemas,infra}'

/** `fast` needs no servers; `stack` has real ones; `e2e` starts whole platforms, one at a time on a small machine. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'fast',
          include: [`${roots}/**/*.{test,property.test}.{ts,mjs}`],
          exclude: [...exclude, '**/*.int.test.*', '**/*.contract.test.*'],
          pool: 'forks',
          maxWorkers: 2,
          testTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'stack',
          include: [`${roots}/**/*.{contract,int}.test.{ts,mjs}`],
          exclude: [...exclude, 'apps/e2e/**'],
          pool: 'forks',
          maxWorkers: 2,
          testTimeout: 60_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['apps/e2e/**/*.int.test.ts'],
          exclude,
          pool: 'forks',
          maxWorkers: 1,
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
