/** A name server (RFC 1035) on this machine that answers what a test says, or nothing. */
import { createSocket } from 'node:dgram'

export interface NameServer {
  /** `127.0.0.1:port` */
  readonly address: string
  /** Questions so far, as `type name`. */
  readonly asked: string[]
  close(): Promise<void>
}

/** @param answer the addresses of a name; undefined: silence */
export async function startNameServer(
  answer: (name: string, type: 'A' | 'AAAA') => readonly string[] | undefined,
): Promise<NameServer> {
  const socket = createSocket('udp4')
  const asked: string[] = []
  socket.on('message', (query, from) => {
    const { name, end } = readName(query)
    const type = query.readUInt16BE(end) === 28 ? 'AAAA' : 'A'
    asked.push(`${type} ${name}`)
    const addresses = answer(name, type)
    if (addresses) socket.send(reply(query.subarray(0, end + 4), type, addresses), from.port, from.address)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  }
}

function readName(query: Buffer): { name: string; end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.'), end: at + 1 }
}

function reply(question: Buffer, type: 'A' | 'AAAA', addresses: readonly string[]): Buffer {
  const head = Buffer.from(question.subarray(0, 12))
  head.writeUInt16BE(0x8180, 2)
  head.writeUInt16BE(addresses.length, 6)
  head.writeUInt32BE(0, 8)
  const records = addresses.map((address) => {
    const data = type === 'A' ? Buffer.from(address.split('.').map(Number)) : ipv6(address)
    // A pointer to the question's name, the type, class IN, one second, and the address.
    const record = Buffer.from([0xc0, 12, 0, type === 'A' ? 1 : 28, 0, 1, 0, 0, 0, 1, 0, data.length])
    return Buffer.concat([record, data])
  })
  return Buffer.concat([head, question.subarray(12), ...records])
}

/** Of all eight groups. */
function ipv6(address: string): Buffer {
  return Buffer.concat(address.split(':').map((group) => Buffer.from(group.padStart(4, '0'), 'hex')))
}
