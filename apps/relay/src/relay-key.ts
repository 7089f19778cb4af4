import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { err, fatal, ok, type Result } from '@millrace/kernel'
import { isHex64 } from '@millrace/nostr'
import { getPublicKey } from 'nostr-tools/pure'

/** The relay's own key pair; `pubkey` is what NIP-11 calls `self`. */
export interface RelayKey {
  readonly secretKey: Uint8Array
  /** 64 lowercase hex characters. */
  readonly pubkey: string
}

/**
 * Reads the key that all edges of a relay share, making it at first start with mode 0600. The file appears whole or not at all, and of
 * edges starting at once one makes it and the others read it. Fault configuration-invalid for a file without a key.
 */
export async function relayKey(path: string): Promise<Result<RelayKey>> {
  const text = (await readText(path)) ?? (await makeKeyFile(path))
  const hex = text.trim()
  if (!isHex64(hex))
    return err(fatal('configuration-invalid', `RELAY_SECRET_KEY_FILE: ${path} does not hold a key in hex`))
  const secretKey = new Uint8Array(Buffer.from(hex, 'hex'))
  try {
    return ok({ secretKey, pubkey: getPublicKey(secretKey) })
  } catch (cause) {
    return err(fatal('configuration-invalid', `RELAY_SECRET_KEY_FILE: ${path} holds no valid key`, cause))
  }
}

async function makeKeyFile(path: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true })
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`
  await writeFile(draft, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flag: 'wx' })
  try {
    // A link fails where the name exists, unlike a rename, which would replace another edge's key.
    await link(draft, path)
  } catch (cause) {
    if (!hasCode(cause, 'EEXIST')) throw cause
  } finally {
    await rm(draft, { force: true })
  }
  return readFile(path, 'utf8')
}

async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return null
    throw cause
  }
}

const hasCode = (cause: unknown, code: string): boolean =>
  cause instanceof Error && (cause as NodeJS.ErrnoException).code === code
