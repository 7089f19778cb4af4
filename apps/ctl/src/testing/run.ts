import { Readable, Writable } from 'node:stream'
import { runCtl } from '../program.ts'
import { createSession } from '../session.ts'

export interface Ran {
  readonly exitCode: number
  readonly out: string
  readonly err: string
}

/** Runs one command line in this process, with streams of its own. */
export async function run(env: Record<string, string>, args: readonly string[], stdin = ''): Promise<Ran> {
  const [out, err] = [new Captured(), new Captured()]
  const console = {
    out,
    // A progress bar needs to know only that this is no terminal.
    err: err as unknown as NodeJS.WriteStream,
    in: Readable.from([Buffer.from(stdin)], { objectMode: false }),
  }
  const exitCode = await runCtl(args, createSession(env, console))
  return { exitCode, out: out.text, err: err.text }
}

class Captured extends Writable {
  text = ''

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString('utf8')
    done()
  }
}
