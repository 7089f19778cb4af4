import { defineConfig } from 'vitest/config'

const exclude = ['**/node_modules/**', 'dist/**', '.millrace/**']
const servers = '**/*.{contract,int}.test.{ts,mjs}'
/** These empty and fill the one ClickHouse that `npm test` starts. */
const sharing = '{apps/{ctl,query-api},libs/{clickhouse,codec,projections,read-models}}'

/**
 * `fast` needs no servers; `shared` uses the Kafka and ClickHouse that `npm test` starts, one file at a time; `own` starts
 * servers or whole platforms of its own, two files at a time.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'fast',
          include: ['{apps,libs,topics,schemas,infra}/**/*.{test,property.test}.{ts,mjs}'],
          exclude: [...exclude, servers],
          pool: 'forks',
          maxWorkers: 2,
          testTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'shared',
          include: [`${sharing}/${servers}`],
          exclude,
          pool: 'forks',
          maxWorkers: 1,
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'own',
          include: [`{apps,libs,infra}/${servers}`],
          exclude: [...exclude, `${sharing}/**`],
          pool: 'forks',
          maxWorkers: 2,
          testTimeout: 60_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
