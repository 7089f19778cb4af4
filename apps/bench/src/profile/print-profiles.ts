import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type ProfileReading, readProfile, type Share } from './cpu-profile.ts'

export interface PrintOptions {
  readonly root: string
  /** Functions shown of each list. */
  readonly top: number
}

/** A reading of every .cpuprofile in a folder: one file per thread of each process. Throws when there is none. */
export function printProfiles(folder: string, { root, top }: PrintOptions): string {
  const files = globSync(join(folder, '*.cpuprofile')).sort()
  if (files.length === 0) throw new Error(`no .cpuprofile in ${folder}`)
  return files
    .map((file) => page(basename(file), readProfile(readFileSync(file, 'utf8'), root), top))
    .join('\n')
}

function page(name: string, { totalS, busyS, self, inclusive }: ProfileReading, top: number): string {
  const head = `${name}: ${busyS.toFixed(1)} s busy of ${totalS.toFixed(1)}`
  return [head, ' in itself', ...lines(self, top), ' with what it calls', ...lines(inclusive, top), ''].join(
    '\n',
  )
}

const lines = (shares: readonly Share[], top: number): string[] =>
  shares.slice(0, top).map(({ name, share }) => `  ${(100 * share).toFixed(1).padStart(5)} %  ${name}`)
