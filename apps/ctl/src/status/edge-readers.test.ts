import { TOPICS } from '@millrace/topics'
import { expect, test } from 'vitest'
import { positionsOf } from './edge-readers.ts'

test('positions follow from the ends and the lag that an edge publishes', () => {
  const page = [
    '# TYPE relay_live_lag_records gauge',
    'relay_live_lag_records{partition="0",app="relay"} 0',
    'relay_live_lag_records{app="relay",partition="3"} 7',
    'relay_live_lag_records{partition="9",app="relay"} 1',
    'relay_overlay_events{app="relay"} 5',
  ].join('\n')
  const ends = new Map([
    [`${TOPICS.events}:0`, { earliest: 0, end: 10 }],
    [`${TOPICS.events}:3`, { earliest: 0, end: 20 }],
  ])
  expect(positionsOf(page, ends)).toEqual([
    { topic: TOPICS.events, partition: 0, offset: 10 },
    { topic: TOPICS.events, partition: 3, offset: 13 },
  ])
})
