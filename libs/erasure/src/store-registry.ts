import { ok, type Result } from '@millrace/kernel'
import type { ErasableStore, Verification } from './erasable-store.ts'
import type { ErasureSubject } from './subject.ts'

export interface StoreReport extends Verification {
  readonly store: string
}

export interface VerificationReport {
  readonly stores: readonly StoreReport[]
  /** Places that are there and that no registered store answers for: nobody knows what they hold. */
  readonly unclaimed: readonly string[]
}

/** Every store that holds event data; what it does not know makes a verification fail. */
export class StoreRegistry {
  readonly #stores: ErasableStore[] = []

  register(store: ErasableStore): this {
    this.#stores.push(store)
    return this
  }

  get stores(): readonly ErasableStore[] {
    return this.#stores
  }

  /**
   * Looks through every registered store, one after the other.
   *
   * @param places everything found that may hold event data, as `ErasableStore.claims` takes it
   */
  async verify(
    subject: ErasureSubject,
    places: readonly string[],
    onStore: (name: string) => void = () => {},
  ): Promise<Result<VerificationReport>> {
    const unclaimed = places.filter((place) => !this.#stores.some((store) => store.claims(place)))
    const stores: StoreReport[] = []
    for (const store of this.#stores) {
      onStore(store.name)
      const verified = await store.verify(subject)
      if (!verified.ok) return verified
      stores.push({ store: store.name, ...verified.value })
    }
    return ok({ stores, unclaimed })
  }
}

/** Whether the report proves that nothing is left: every place is claimed, looked through and without a trace. */
export const isProvenAbsent = ({ stores, unclaimed }: VerificationReport): boolean =>
  unclaimed.length === 0 &&
  stores.every(({ traces, notVerifiable }) => traces.length === 0 && notVerifiable === null)
