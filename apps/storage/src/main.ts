import { runProcess } from '@millrace/observability'
import { storageSections } from './config.ts'
import { runStorage } from './run-storage.ts'

await runProcess({ app: 'storage', sections: storageSections, wire: runStorage })
