/** The filters (NIP-01) that the bench asks with; those without tag, id or author are answered from the newest back. */
export interface BenchFilter {
  readonly ids?: readonly string[]
  readonly authors?: readonly string[]
  readonly kinds?: readonly number[]
  readonly '#e'?: readonly string[]
  readonly '#p'?: readonly string[]
  readonly '#t'?: readonly string[]
  readonly since?: number
  readonly until?: number
  readonly limit?: number
}
