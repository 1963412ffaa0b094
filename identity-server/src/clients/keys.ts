/** The public keys of a client: inline in its settings, or behind its `jwks_uri` (RFC 7591 section 2). */
import { type KeySource, localJwks } from '../outgoing/key-source.ts'
import type { RemoteJwks } from '../outgoing/remote-jwks.ts'
import type { Client } from './clients.ts'

/** @returns undefined where the client has none */
export type KeysOf = (owner: { settings: Pick<Client['settings'], 'jwks' | 'jwks_uri'> }) => KeySource | undefined

export function createKeysOf(remoteJwks: RemoteJwks): KeysOf {
  return ({ settings: { jwks, jwks_uri } }) => {
    if (jwks) return localJwks(jwks)
    return jwks_uri === undefined ? undefined : remoteJwks.at(jwks_uri)
  }
}
