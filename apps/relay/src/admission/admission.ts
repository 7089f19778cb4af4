import { type Clock, err, FaultError, invalid, ok, type Result } from '@millrace/kernel'
import { addressOf, checkEventId, KINDS, type NostrEvent } from '@millrace/nostr'
import type { Metrics } from '@millrace/observability'
import type { Verifier } from '@millrace/verifier'
import { NO_TARGETS } from '../live/live-requests.ts'
import { type AdmissionRules, checkAdmissible, SUPERSEDED } from './checks.ts'
import { KeyLock } from './key-lock.ts'
import type { Novelty, Verdict } from './novelty.ts'
import type { Publisher } from './publisher.ts'
import { namesOnlyOthers, type RequestTargets } from './request-targets.ts'

export interface AdmissionParts {
  readonly rules: AdmissionRules
  readonly novelty: Novelty
  readonly verifier: Pick<Verifier, 'verifySignature'>
  readonly publisher: Publisher
  readonly targets: Pick<RequestTargets, 'find'>
  readonly metrics: Metrics
  readonly clock: Clock
}

/** What the OK of an admitted event says: '' for a new one, `duplicate` for one that is durable already. */
export type Admitted = 'new' | 'duplicate'

/**
 * Decides about every EVENT, cheap checks before costly ones: rules → id → known already → signature → append. An answer
 * without a fault means that the event is durable.
 */
export class Admission {
  readonly #parts: AdmissionParts
  /** By address or id: an event is judged only after those before it have settled. Only verified events hold a lock. */
  readonly #locks = new KeyLock()

  constructor(parts: AdmissionParts) {
    this.#parts = parts
  }

  /**
   * @param authedPubkeys pubkeys the publisher proved (NIP-42)
   * @param headers trace context for the record
   */
  async admit(
    event: NostrEvent,
    authedPubkeys: ReadonlySet<string>,
    headers: Readonly<Record<string, string>>,
  ): Promise<Result<Admitted>> {
    const { rules, novelty, clock } = this.#parts
    const owner = checkAdmissible(event, authedPubkeys, clock.nowS(), rules)
    if (!owner.ok) return owner
    const id = checkEventId(event)
    if (!id.ok) return id
    const verdict = await novelty.judge(event)
    if (verdict !== 'new') return answerOf(verdict)
    const genuine = await this.#verify(event)
    if (!genuine.ok) return genuine
    return this.#locks.run(addressOf(event) ?? event.id, () => this.#publishOnce(event, owner.value, headers))
  }

  async #publishOnce(
    event: NostrEvent,
    owner: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<Result<Admitted>> {
    const { novelty, publisher, targets } = this.#parts
    const verdict = await novelty.judge(event)
    if (verdict !== 'new') return answerOf(verdict)
    const known = event.kind === KINDS.deletion ? await targets.find([event]) : NO_TARGETS
    if (event.kind === KINDS.deletion && namesOnlyOthers(event, known)) return err(DELETES_OTHERS)
    const published = await publisher.publish(event, owner, headers, known)
    if (!published.ok) return published
    novelty.met(event)
    return ok('new')
  }

  async #verify(event: NostrEvent): Promise<Result<void>> {
    const { verifier, metrics } = this.#parts
    try {
      const isGenuine = await verifier.verifySignature(event)
      metrics.count('verifier_checked_total', { result: isGenuine ? 'valid' : 'invalid' })
      if (isGenuine) return ok(undefined)
      return err(invalid('event-signature-invalid', 'signature is not that of the pubkey'))
    } catch (cause) {
      if (cause instanceof FaultError) return err(cause.fault)
      throw cause
    }
  }
}

const DELETES_OTHERS = invalid('event-deletes-others', 'nothing that this names is yours to delete')

const answerOf = (verdict: Exclude<Verdict, 'new'>): Result<Admitted> =>
  verdict === 'duplicate' ? ok('duplicate') : err(SUPERSEDED)
