/** A `CheckRequest` of Envoy's ext_authz as it stands on the wire, written by hand: field numbers, lengths, bytes. */

/** @param authorization the header */
export function checkRequest(policy: string, authorization: string): Buffer {
  const http = Buffer.concat([
    field(2, Buffer.from('GET')),
    field(3, entry('authorization', authorization)),
    field(4, Buffer.from('/')),
    field(5, Buffer.from('api.example.com')),
    field(6, Buffer.from('https')),
  ])
  const attributes = Buffer.concat([field(4, field(2, http)), field(10, entry('policy', policy))])
  return field(1, attributes)
}

/** An entry of a map. */
function entry(key: string, value: string): Buffer {
  return Buffer.concat([field(1, Buffer.from(key)), field(2, Buffer.from(value))])
}

/** A field of bytes (wire type 2). */
function field(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2]), varint(bytes.length), bytes])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  return Buffer.from([...bytes, rest])
}
