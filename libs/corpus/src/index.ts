export { generateCorpus } from './generate.ts'
export type { CorpusOptions } from './options.ts'
