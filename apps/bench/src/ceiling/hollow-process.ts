import type { AddressInfo } from 'node:net'
import { hollowRelay } from './hollow-relay.ts'

const server = hollowRelay()
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.once('disconnect', () => process.exit(0))
