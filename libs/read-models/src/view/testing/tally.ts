/** What happened in worlds, so that a test can tell that it saw something. */
export const newTally = () => ({
  events: 0,
  /** Left the overlay for the view before storage had them. */
  letGoUnstored: 0,
  evicted: 0,
  addressesInDoubt: 0,
  doubtsSettled: 0,
  broughtBack: 0,
  restarts: 0,
  rebuilds: 0,
  /** Partitions of which storage had more than the view, whenever it stored something. */
  storageAhead: 0,
})
export type Tally = ReturnType<typeof newTally>
