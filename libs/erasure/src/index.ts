export { type ErasableStore, TRACES_MAX, type Trace, type Verification } from './erasable-store.ts'
export { type RawTrace, scanBytes, scanFile } from './scan-file.ts'
export { isProvenAbsent, StoreRegistry, type StoreReport, type VerificationReport } from './store-registry.ts'
export { type ErasureSubject, isTraceOf } from './subject.ts'
