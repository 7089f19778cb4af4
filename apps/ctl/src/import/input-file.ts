import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { CommandFailure } from '../terminal/exit.ts'

/** Refuses what is no file to read before anything else is looked at; `-` is stdin. Throws CommandFailure. */
export async function assertInputFile(file: string): Promise<void> {
  if (file === '-') return
  try {
    const found = await stat(file)
    if (found.isDirectory())
      throw new CommandFailure(`${file} is a folder: name a file in it, or - for stdin`)
    await access(file, constants.R_OK)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') throw new CommandFailure(`there is no file ${file}`)
    if (code === 'EACCES') throw new CommandFailure(`${file} may not be read by this user`)
    throw cause
  }
}
