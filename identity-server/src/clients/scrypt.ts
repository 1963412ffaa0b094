/**
 * Hashes of imported secrets, which a person may have thought up: scrypt (RFC 7914) makes guessing each of them dear.
 * It is dear for us as well, so few are computed at once, and few may wait.
 */
import { randomBytes, scrypt as scryptWithCallback, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { OAuthError } from '@postern/protocol/oauth-error'

const scrypt = promisify<string, Buffer, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(
  scryptWithCallback,
)

/** 32 MiB and about a fifth of a second. */
const parameters = { N: 2 ** 15, r: 8, p: 3 }
const bytes = 32
/** Half of the threads that Node.js has for this; the rest signs tokens. */
const maxRunning = 2
const maxWaiting = 10

let running = 0
const waiting: (() => void)[] = []

/** The hash with its salt and parameters, as text. */
export async function hashSlowly(secret: string): Promise<string> {
  const salt = randomBytes(16)
  const hash = await inTurn(() => derive(secret, salt, parameters))
  const { N, r, p } = parameters
  return [N, r, p, salt.toString('base64url'), hash.toString('base64url')].join('$')
}

/**
 * @param stored what `hashSlowly` gave
 * @throws OAuthError `temporarily_unavailable` where too many wait already
 */
export async function matchesSlowly(secret: string, stored: string): Promise<boolean> {
  const [N, r, p, salt = '', hash = ''] = stored.split('$')
  const expected = Buffer.from(hash, 'base64url')
  const computed = await inTurn(() =>
    derive(secret, Buffer.from(salt, 'base64url'), { N: Number(N), r: Number(r), p: Number(p) }),
  )
  return expected.length === computed.length && timingSafeEqual(computed, expected)
}

function derive(secret: string, salt: Buffer, cost: { N: number; r: number; p: number }): Promise<Buffer> {
  return scrypt(secret, salt, bytes, { ...cost, maxmem: 256 * cost.N * cost.r })
}

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running >= maxRunning) {
    if (waiting.length >= maxWaiting) throw new OAuthError('temporarily_unavailable', 'too many requests at once')
    await new Promise<void>((resolve) => waiting.push(resolve))
  }
  running += 1
  try {
    return await work()
  } finally {
    running -= 1
    waiting.shift()?.()
  }
}
