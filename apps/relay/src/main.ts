import { runProcess } from '@millrace/observability'
import { SECTIONS } from './config.ts'
import { wire } from './wire.ts'

await runProcess({ app: 'relay', sections: SECTIONS, wire })
