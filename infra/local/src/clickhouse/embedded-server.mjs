// A real ClickHouse server in this process: libchdb contains it whole, and its command line entry opens the ports. The
// call does not return until stdin ends, which shuts the server down cleanly; it must run on the main thread, because
// ClickHouse checks the stack it stands on.
//   node embedded-server.mjs LIBRARY_ARGUMENT...
import { createRequire } from 'node:module'
import { arrayConstructor, DataType, load, open } from 'ffi-rs'

const require = createRequire(import.meta.url)
const { libchdbPath } = /** @type {{ libchdbPath(): string }} */ (require('chdb/libchdb'))
const args = ['clickhouse', ...process.argv.slice(2)]
open({ library: 'chdb', path: libchdbPath() })
load({
  library: 'chdb',
  funcName: 'chdb_query_cmdline',
  retType: DataType.External,
  paramsType: [DataType.I32, arrayConstructor({ type: DataType.StringArray, length: args.length })],
  paramsValue: [args.length, args],
})
