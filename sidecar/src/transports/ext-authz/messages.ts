/** The messages of ext_authz.proto as plain objects, and how they stand on the wire. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import protobuf from 'protobufjs'
import type { Struct } from './struct.ts'

/** What Envoy asks. Message fields that were not sent are null. */
export interface CheckRequest {
  attributes: {
    source: { certificate: string } | null
    request: { http: HttpRequest | null } | null
    /** What Envoy's configuration says about the route. */
    context_extensions: Readonly<Record<string, string>>
  } | null
}

export interface HttpRequest {
  method: string
  /** Repeated ones are one, joined by commas. */
  headers: Readonly<Record<string, string>>
  /** In place of `headers`, as received, where Envoy is told to `encode_raw_headers`. */
  header_map: { headers: readonly { key: string; value: string; raw_value: Buffer }[] } | null
  path: string
  host: string
  scheme: string
}

export interface HeaderValueOption {
  header: { key: string; value: string }
  append: { value: boolean }
}

export interface CheckResponse {
  status: { code: number }
  ok_response?: { headers: readonly HeaderValueOption[]; headers_to_remove: readonly string[] }
  denied_response?: { status: { code: number }; headers: readonly HeaderValueOption[]; body: string }
  dynamic_metadata?: Struct
}

const root = new protobuf.Root()
for (const name of ['struct', 'wrappers'])
  root.addJSON(protobuf.common.get(`google/protobuf/${name}.proto`)?.nested ?? {})
// Compiled here, once: protobufjs makes functions of it.
protobuf
  .parse(readFileSync(join(import.meta.dirname, 'ext_authz.proto'), 'utf8'), root, { keepCase: true })
  .root.resolveAll()

/** How a message stands on the wire. */
interface Wire<Message> {
  serialize(message: Message): Buffer
  /** @throws Error where the bytes are no such message */
  deserialize(bytes: Buffer): Message
}

export const messages: { request: Wire<CheckRequest>; response: Wire<CheckResponse> } = {
  request: wire('CheckRequest'),
  response: wire('CheckResponse'),
}

/** The types above say what ext_authz.proto says, and protobufjs reads nothing else. */
function wire<Message extends object>(name: string): Wire<Message> {
  const type = root.lookupType(`envoy.service.auth.v3.${name}`)
  const filled = { defaults: true, arrays: true, objects: true }
  return {
    serialize: (message) => Buffer.from(type.encode(message).finish()),
    deserialize: (bytes) => type.toObject(type.decode(bytes), filled) as Message,
  }
}
