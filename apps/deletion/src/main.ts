import { runProcess } from '@millrace/observability'
import { deletionSections } from './config.ts'
import { runDeletion } from './run-deletion.ts'

await runProcess({ app: 'deletion', sections: deletionSections, wire: runDeletion })
