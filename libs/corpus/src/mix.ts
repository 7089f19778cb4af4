import { addressableVideo, file, picture, video } from './makers/media.ts'
import { article, channelMessage, comment, highlight, note, reply } from './makers/notes.ts'
import { appData, bookmarks, followSet, follows, poll, profile, relayList, status } from './makers/people.ts'
import { directMessage, giftWrap } from './makers/private.ts'
import { deletion, label, reaction, report, repost, zap } from './makers/responses.ts'
import type { Random } from './random.ts'
import type { Maker } from './world.ts'

/** How often each kind of event comes, as on busy public relays; weights need not add up to anything. */
const MIX: readonly (readonly [weight: number, maker: Maker])[] = [
  [310, reaction],
  [200, reply],
  [180, note],
  [60, zap],
  [45, repost],
  [25, giftWrap],
  [20, comment],
  [18, directMessage],
  [15, follows],
  [14, profile],
  [10, relayList],
  [9, appData],
  [9, video('short')],
  [8, channelMessage],
  [8, article],
  [7, video('normal')],
  [6, picture],
  [6, status],
  [5, addressableVideo('normal')],
  [5, addressableVideo('short')],
  [5, bookmarks],
  [5, followSet],
  [4, file],
  [4, highlight],
  [3, label],
  [3, report],
  [2, poll],
]

const TOTAL_WEIGHT = MIX.reduce((sum, [weight]) => sum + weight, 0)

/** What somebody new writes first. */
export const ARRIVAL: readonly Maker[] = [profile, relayList, follows]

/** The kind of the next event. A deletion is drawn apart, since its share is an option. */
export function nextMaker(random: Random, deletionShare: number): Maker {
  if (deletionShare > 0 && random.chance(deletionShare)) return deletion
  let rest = random.int(0, TOTAL_WEIGHT - 1)
  for (const [weight, maker] of MIX) {
    rest -= weight
    if (rest < 0) return maker
  }
  return note
}
