import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type Target, useRelay } from '../target/target.ts'

const PROCESS = fileURLToPath(new URL('./hollow-process.ts', import.meta.url))

/** The hollow relay in a process of its own; its answers are not checked, they are none. */
export async function withHollowRelay(): Promise<Target> {
  const child = fork(PROCESS)
  const [port] = (await once(child, 'message')) as [number]
  const relay = useRelay(`ws://127.0.0.1:${port}`, {
    name: 'hollow relay',
    durability: 'none: it forgets everything',
    pids: [child.pid ?? 0],
  })
  return { ...relay, isHollow: true, stop: async () => void child.kill() }
}
