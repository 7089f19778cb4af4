import { runProcess } from '@millrace/observability'
import { SECTIONS } from './config.ts'
import { wire } from './wire.ts'
import { workerNumber } from './workers/worker-number.ts'

const worker = workerNumber()

await runProcess({
  app: 'relay',
  sections: SECTIONS,
  wire,
  ...(worker === null ? {} : { opsServer: false, labels: { worker: String(worker) } }),
})
