import { afterAll, beforeAll, describe } from 'vitest'
import { adminContract } from './admin-contract.ts'
import { appendContract } from './append-contract.ts'
import { compactionContract } from './compaction-contract.ts'
import { consumeContract } from './consume-contract.ts'
import type { LogSubject } from './log-subject.ts'
import { readToEndContract } from './read-to-end-contract.ts'
import { rebalanceContract } from './rebalance-contract.ts'

/** The promises of port.ts, run against one adapter. */
export function logContract(name: string, open: () => Promise<LogSubject>): void {
  describe(`log contract: ${name}`, () => {
    let opened: LogSubject | undefined
    const subject = (): LogSubject => {
      if (!opened) throw new Error('the subject is not open')
      return opened
    }
    beforeAll(async () => {
      opened = await open()
    })
    afterAll(() => opened?.close())
    appendContract(subject)
    consumeContract(subject)
    rebalanceContract(subject)
    compactionContract(subject)
    readToEndContract(subject)
    adminContract(subject)
  })
}
