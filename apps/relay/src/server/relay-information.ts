import { LIMITS } from '@millrace/kernel'
import type { EdgeConfig } from '../config.ts'

/** NIPs whose relay side the tests of this repository prove. */
export const SUPPORTED_NIPS = [1, 4, 11, 17, 40, 42, 59, 70] as const

/**
 * The relay information document (NIP-11). Every limit named here is enforced; `self` is the relay's own pubkey.
 * @param eventPastMaxS 0 = events may be dated back any time
 */
export function relayInformation(
  edge: EdgeConfig,
  self: string,
  version: string,
  { eventFutureMaxS, eventPastMaxS }: { eventFutureMaxS: number; eventPastMaxS: number },
): Readonly<Record<string, unknown>> {
  return {
    name: edge.name,
    description: edge.description,
    ...(edge.adminPubkey === null ? {} : { pubkey: edge.adminPubkey }),
    self,
    ...(edge.contact === null ? {} : { contact: edge.contact }),
    supported_nips: SUPPORTED_NIPS,
    version,
    limitation: {
      max_message_length: LIMITS.frameBytesMax,
      max_subscriptions: LIMITS.subscriptionsPerConnectionMax,
      max_limit: LIMITS.filterLimitMax,
      default_limit: LIMITS.filterLimitDefault,
      max_subid_length: LIMITS.subscriptionIdCharactersMax,
      max_event_tags: LIMITS.tagsPerEventMax,
      min_pow_difficulty: 0,
      auth_required: false,
      payment_required: false,
      restricted_writes: false,
      created_at_upper_limit: eventFutureMaxS,
      ...(eventPastMaxS === 0 ? {} : { created_at_lower_limit: eventPastMaxS }),
    },
  }
}
