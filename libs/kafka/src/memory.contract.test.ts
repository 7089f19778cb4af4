import { logContract } from './contract/log-contract.ts'
import { createMemoryLog } from './memory/memory-log.ts'

logContract('memory', async () => {
  const log = createMemoryLog()
  return {
    log,
    secondLog: () => log,
    cleanableConfigs: {},
    compact: async (topic) => log.compact(topic, { erasedToo: true }),
    deleteBefore: async (topic, partition, offset) => log.deleteBefore({ topic, partition }, offset),
    close: () => log.close(),
  }
})
