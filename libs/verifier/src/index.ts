export type { Implementation } from './signature-checker.ts'
export { createVerifier, type Verifier, type VerifierOptions } from './verifier.ts'
