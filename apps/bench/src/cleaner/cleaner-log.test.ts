import { expect, test } from 'vitest'
import { CleanerLog } from './cleaner-log.ts'

/** As a 4.3.1 broker printed it. */
const PRINTED = `INFO [kafka-log-cleaner-thread-0]: 
	Log cleaner thread 0 cleaned log nostr.events.v1-3 (dirty section = [7,500, 1375000])
	1,228.4 MB of log processed in 12.5 seconds (98.3 MB/sec).
	Indexed 614.2 MB in 3.1 seconds (198.1 Mb/sec, 24.8% of total time)
	Buffer utilization: 29.8%
	Cleaned 614.2 MB in 9.4 seconds (65.3 Mb/sec, 75.2% of total time)
	Start size: 1,614.2 MB (375,000 messages)
	End size: 608.0 MB (371,250 messages)
	1.0% size reduction (1.0% fewer messages)
`

test('a pass is read from the lines of the broker, between others', () => {
  const log = new CleanerLog()
  const lines = ['WARN something else', ...PRINTED.split('\n'), ...PRINTED.split('\n').slice(0, 4)]
  for (const line of lines) log.line(line)
  expect(log.passes).toEqual([
    {
      partition: 3,
      dirtyFrom: 7500,
      dirtyTo: 1_375_000,
      seconds: 12.5,
      indexedMib: 614.2,
      bufferPercent: 29.8,
      startMib: 1614.2,
      startRecords: 375_000,
      endMib: 608,
      endRecords: 371_250,
    },
  ])
})
