import { createServer } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { assertPortFree, freePorts, isPortFree, portHolder } from './ports.mjs'

/** @type {import('node:net').Server | undefined} */
let server
afterEach(() => server?.close())

async function listen() {
  const [port = 0] = await freePorts(1)
  server = createServer().listen(port, '127.0.0.1')
  await new Promise((resolve) => server?.once('listening', resolve))
  return port
}

test('free ports are distinct, free, and never handed to outgoing connections', async () => {
  const ports = await freePorts(20)
  expect(new Set(ports).size).toBe(20)
  for (const port of ports) {
    expect(await isPortFree(port)).toBe(true)
    expect(port).toBeLessThan(32_768)
  }
})

test('a taken port is refused with its number, its holder and the variable that moves it', async () => {
  const port = await listen()
  const refusal = assertPortFree(port, { usedFor: 'the relay', variable: 'RELAY_PORT' })
  await expect(refusal).rejects.toMatchObject({ name: 'OperatorError' })
  await expect(refusal).rejects.toThrow(`port ${port} for the relay is taken by`)
  await expect(refusal).rejects.toThrow('RELAY_PORT')
  if (process.platform === 'linux') {
    await expect(refusal).rejects.toThrow(`pid ${process.pid}`)
    expect(portHolder(port)).toMatchObject({ pid: process.pid })
  }
})

test('an address that is not of this machine is not called taken', async () => {
  const refusal = assertPortFree(8080, { host: '192.0.2.1', usedFor: 'the relay', variable: 'RELAY_PORT' })
  await expect(refusal).rejects.toThrow('cannot listen on 192.0.2.1:8080')
})
