import { LIMITS } from '@millrace/kernel'
import { noticeMessage } from '@millrace/nostr'
import { WebSocket } from 'ws'

/** What a client did that ends its connection, by the close code (RFC 6455, section 7.4.1) that ws finds for it. */
const VIOLATIONS: Readonly<Record<number, string>> = {
  1002: 'invalid: that is no WebSocket frame as RFC 6455 has it',
  1007: 'invalid: text frames have to be UTF-8',
  1008: 'invalid: too many fragments',
  1009: `invalid: a frame may have ${LIMITS.frameBytesMax} bytes`,
}

/**
 * The WebSocket of one client. ws closes by the code alone on what it cannot read; here the client is told why, as a NOTICE and as the
 * reason of the close frame.
 */
export class ClientSocket extends WebSocket {
  /** Without a reason: ws itself closes, or the caller has none to give. */
  override close(code?: number, reason?: string | Buffer): void {
    const violation = reason === undefined && code !== undefined ? VIOLATIONS[code] : undefined
    if (violation === undefined || this.readyState !== WebSocket.OPEN) {
      super.close(code, reason)
      return
    }
    this.send(noticeMessage(violation))
    super.close(code, violation)
  }
}
