import { generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto'
import { promisify } from 'node:util'
import type { Figure } from './figure.ts'
import { microsecondsOf, microsecondsOfMany } from './microseconds.ts'

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const dsaEncoding = 'ieee-p1363'
const signing = { key: privateKey, dsaEncoding } as const
const verifying = { key: publicKey, dsaEncoding } as const
const text = randomBytes(300)
const onThreads = promisify(sign)

/** ES256 by node:crypto: on the event loop, and on its threads with as many under way as a busy server has. */
export const es256Sign: Figure = {
  name: 'es256-sign',
  unit: 'µs',
  measure: () => microsecondsOf(3_000, () => sign('sha256', text, signing)),
}

export const es256SignOnThreads: Figure = {
  name: 'es256-sign-on-threads',
  unit: 'µs',
  measure: () => microsecondsOfMany(3_000, 32, () => onThreads('sha256', text, signing)),
}

export const es256Verify: Figure = {
  name: 'es256-verify',
  unit: 'µs',
  measure() {
    const signature = sign('sha256', text, signing)
    return microsecondsOf(2_000, () => verify('sha256', text, verifying, signature))
  },
}
