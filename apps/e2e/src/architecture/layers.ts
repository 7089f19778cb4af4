/** The dependency rule of docs/architecture.md: which layers a layer's sources may import. */
export const LAYERS: Readonly<Record<string, readonly string[]>> = {
  kernel: [],
  contract: ['kernel', 'contract'],
  platform: ['kernel', 'contract', 'platform'],
  projection: ['kernel', 'contract', 'platform'],
  app: ['kernel', 'contract', 'platform', 'projection'],
  testkit: ['kernel', 'infra'],
  infra: [],
}

/** Layers whose tests may use the testkit (and, through it, the launchers). */
export const MAY_TEST_WITH_TESTKIT: readonly string[] = ['contract', 'platform', 'projection', 'app']
