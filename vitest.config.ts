import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{apps,libs,topics,schemas,infra}/**/*.{test,property.test,contract.test,int.test}.{ts,mjs}'],
    exclude: ['**/node_modules/**', 'dist/**', '.millrace/**'],
    // Two processes: the brokers need the rest of a small machine.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 120_000,
    reporters: process.env.CI ? ['default'] : ['default'],
    passWithNoTests: false,
  },
})
