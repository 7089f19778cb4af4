import { runProcess } from '@millrace/observability'
import { SECTIONS } from './config.ts'
import { runQueryApi } from './run-query-api.ts'

await runProcess({ app: 'query-api', sections: SECTIONS, wire: runQueryApi, opsServer: false })
