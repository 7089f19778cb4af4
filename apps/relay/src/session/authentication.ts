import { randomBytes } from 'node:crypto'
import { type Clock, err, FaultError, invalid, ok, type Result } from '@millrace/kernel'
import { checkAuthEvent, type NostrEvent } from '@millrace/nostr'
import type { Verifier } from '@millrace/verifier'

export interface AuthenticationParts {
  readonly verifier: Pick<Verifier, 'verify'>
  readonly clock: Clock
  /** Every URL under which clients reach this relay. */
  readonly relayUrls: readonly string[]
  readonly authedPubkeysMax: number
}

/** Who one connection has proven to be (NIP-42); valid for as long as the connection. */
export class Authentication {
  readonly challenge = randomBytes(16).toString('hex')
  readonly #parts: AuthenticationParts
  readonly #pubkeys = new Set<string>()

  constructor(parts: AuthenticationParts) {
    this.#parts = parts
  }

  get pubkeys(): ReadonlySet<string> {
    return this.#pubkeys
  }

  /** Faults: auth-invalid, event-signature-invalid, restricted (too many pubkeys), those of the verifier. */
  async prove(event: NostrEvent): Promise<Result<void>> {
    const { verifier, clock, relayUrls, authedPubkeysMax } = this.#parts
    const claimed = checkAuthEvent(event, { challenge: this.challenge, relayUrls, nowS: clock.nowS() })
    if (!claimed.ok) return claimed
    if (this.#pubkeys.size >= authedPubkeysMax && !this.#pubkeys.has(claimed.value))
      return err(invalid('restricted', `at most ${authedPubkeysMax} pubkeys on one connection`))
    try {
      if (!(await verifier.verify(event)))
        return err(invalid('event-signature-invalid', 'id or signature is wrong'))
    } catch (cause) {
      if (cause instanceof FaultError) return err(cause.fault)
      throw cause
    }
    this.#pubkeys.add(claimed.value)
    return ok(undefined)
  }
}
