/** Private keys that the sidecar signs JWTs with, from PEM (PKCS #8, PKCS #1, SEC1) or a JWK (RFC 7517). */
import { createPrivateKey, createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { JWK } from 'jose'
import Type from 'typebox'
import { Value } from 'typebox/value'
import { asymmetricAlgorithms } from '../../config/schema/parts.ts'
import { type SignatureAlgorithm, signatureAlgorithms } from '../jwt/signature-algorithms.ts'

export interface SigningKey {
  key: KeyObject
  algorithm: string
  kid: string | undefined
}

export interface SigningKeyChoice {
  /** Default: that of the JWK, or else the usual one for such a key. */
  algorithm?: string | undefined
  /** Default: that of the JWK. */
  kid?: string | undefined
}

const PrivateJwk = Type.Object({
  kty: Type.String(),
  kid: Type.Optional(Type.String()),
  alg: Type.Optional(Type.String()),
})

/** Of those that fit a key, the one that servers know. */
const usual = ['ES256', 'ES384', 'ES512', 'RS256', 'EdDSA'] as const

/** @throws Error, without any part of the text, where it is no private key, not one for that algorithm, or a short one */
export function readSigningKey(text: string, choice: SigningKeyChoice = {}): SigningKey {
  const { key, jwk } = parse(text)
  const chosen = choice.algorithm ?? jwk?.alg
  const algorithm = asymmetricAlgorithms.find((name) =>
    chosen === undefined ? name === usual.find((one) => fits(one, key)) : name === chosen && fits(name, key),
  )
  if (!algorithm) throw new Error(`the private key cannot sign with ${choice.algorithm ?? 'any algorithm known here'}`)
  return { key, algorithm, kid: choice.kid ?? jwk?.kid }
}

/** One for as long as the sidecar runs. */
export function generateSigningKey(): SigningKey {
  const { privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { key, algorithm: 'ES256', kid: undefined }
}

function fits(algorithm: SignatureAlgorithm, key: KeyObject): boolean {
  return signatureAlgorithms[algorithm].fits(key)
}

/**
 * A secret that two parties share, as the key of an HMAC.
 * @throws Error where it is shorter than the algorithm's hash, and could be guessed from what it signed (RFC 7518 section 3.2)
 */
export function readSharedKey(text: string, algorithm = 'HS256'): SigningKey {
  const key = createSecretKey(text, 'utf8')
  const bytes = Number(algorithm.slice('HS'.length)) / 8
  if ((key.symmetricKeySize ?? 0) < bytes)
    throw new Error(`the secret is shorter than the ${bytes} bytes of ${algorithm}`)
  return { key, algorithm, kid: undefined }
}

function parse(text: string): { key: KeyObject; jwk?: { kid?: string; alg?: string } } {
  try {
    if (!text.trimStart().startsWith('{')) return { key: createPrivateKey(text) }
    const jwk: unknown = JSON.parse(text)
    if (!isPrivateJwk(jwk)) throw new Error('no JWK')
    return { key: createPrivateKey({ key: jwk, format: 'jwk' }), jwk }
  } catch {
    // Not as the cause: messages of parsers quote what they could not read.
    throw new Error('the private key is neither PEM nor a JWK')
  }
}

function isPrivateJwk(value: unknown): value is JWK {
  return Value.Check(PrivateJwk, value)
}
