/** gRPC messages in the bytes of HTTP/2 connections, one after the other: as much of both as the suite needs. */

export interface Message {
  /** The text at the end of a path of field numbers, or '' where there is none. */
  text(...path: number[]): string
}

const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
const dataFrame = 0

/** @param received the bytes as latin1 text */
export function messagesIn(received: string): Message[] {
  return received.split(preface).slice(1).flatMap(framesOf).map(toMessage)
}

/** The payloads of data frames, by stream (RFC 9113 section 4.1), each of which carries one message. */
function framesOf(connection: string): Buffer[] {
  const bytes = Buffer.from(connection, 'latin1')
  const streams = new Map<number, Buffer[]>()
  for (let at = 0; at + 9 <= bytes.length; ) {
    const length = bytes.readUIntBE(at, 3)
    const stream = bytes.readUInt32BE(at + 5)
    const payload = bytes.subarray(at + 9, at + 9 + length)
    if (bytes[at + 3] === dataFrame && length > 0) streams.set(stream, [...(streams.get(stream) ?? []), payload])
    at += 9 + length
  }
  return [...streams.values()].map((payloads) => Buffer.concat(payloads))
}

/** A length-prefixed message: a byte that says whether it is compressed, four of its length. */
function toMessage(framed: Buffer): Message {
  const message = framed.subarray(5)
  return {
    text: (...path) => path.reduce<Buffer>((within, number) => field(within, number), message).toString('latin1'),
  }
}

/** The last field of that number whose value has a length (Protocol Buffers, wire type 2). */
function field(message: Buffer, number: number): Buffer {
  let found: Buffer = Buffer.alloc(0)
  for (let at = 0; at < message.length; ) {
    const tag = varint(message, at)
    const value = varint(message, tag.end)
    const [type, size] = [tag.value & 7, { 0: 0, 1: 8, 2: value.value, 5: 4 }[tag.value & 7] ?? message.length]
    const start = type === 0 || type === 2 ? value.end : tag.end
    if (type === 2 && tag.value >> 3 === number) found = message.subarray(start, start + size)
    at = start + size
  }
  return found
}

function varint(bytes: Buffer, from: number): { value: number; end: number } {
  let [value, end] = [0, from]
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[end] ?? 0
    value += (byte & 0x7f) * 2 ** shift
    end += 1
    if (byte < 0x80) return { value, end }
  }
}
