/** DPoP proofs (RFC 9449 section 4.3): whoever sends one holds the key, now, for this request and this token. */
import type { DecisionRequest } from '@postern/protocol/decision'
import { type DpopProof, normalizeHttpUri, readDpopProof } from '@postern/protocol/dpop'
import type { Burst } from '../../bursts.ts'
import { DependencyError, Refusal } from '../../failures.ts'
import type { ReplayGuard } from '../../remote/replay-guard.ts'
import { sha256 } from '../../remote/sha256.ts'
import { jwkThumbprint } from '../jwk-thumbprint.ts'
import { valuesOf } from '../token-sources/header.ts'
import type { DpopNonces } from './dpop-nonces.ts'
import { createVerifyProofSignature } from './proof-signature.ts'
import type { RequestUris } from './request-uri.ts'

/**
 * Verifies the proof of a request, and uses it up.
 * @param jkt thumbprint of the key that the token is bound to
 * @throws Refusal, DependencyError where it cannot be known whether the proof was used before
 */
export type VerifyProof = (request: DecisionRequest, token: string, jkt: string) => Promise<void>

export interface VerifyProofOptions {
  urisOf: RequestUris
  /** Seconds that a proof is accepted for. */
  maxAge: number
  /** Seconds that clocks may differ by. A proof from further ahead was made to be used later. */
  leeway: number
  /** Undefined: proofs need none. */
  nonces: DpopNonces | undefined
  replayGuard: ReplayGuard
  burst: Burst
  /** ms since the epoch */
  now: () => number
}

/** About a second of signatures: whoever came later would have given up by then. */
const maxWaiting = 10_000

export function createVerifyProof(options: VerifyProofOptions): VerifyProof {
  const { urisOf, maxAge, leeway, nonces, replayGuard, burst, now } = options
  const verifySignature = createVerifyProofSignature()
  let waiting = 0

  const isSigned = async (proof: string, read: DpopProof, jkt: string): Promise<boolean> => {
    if (waiting >= maxWaiting) throw new DependencyError('proofs', 'too many wait to be verified')
    waiting += 1
    return burst(() => verifySignature(proof, read, jkt)).finally(() => {
      waiting -= 1
    })
  }

  /** The second in which `iat` lies counts to its end. */
  const lastSecond = (iat: number) => iat + maxAge + leeway + 1
  const isInTime = ({ iat, exp = Number.POSITIVE_INFINITY, nbf = 0 }: DpopProof['claims'], seconds: number) =>
    iat <= seconds + leeway && nbf <= seconds + leeway && seconds < lastSecond(iat) && seconds < exp + leeway

  /** What it claims, that does not fit this request or this token. */
  const misfit = ({ claims }: DpopProof, request: DecisionRequest, token: string): string | undefined => {
    const uri = normalizeHttpUri(claims.htu)
    if (claims.htm !== request.method) return 'the proof is for another method'
    if (uri === undefined || !urisOf(request).includes(uri)) return 'the proof is for another URI'
    if (!isInTime(claims, now() / 1_000)) return 'the time of the proof is not accepted'
    return claims.ath === sha256(token) ? undefined : 'the proof is for another access token'
  }

  return async (request, token, jkt) => {
    const proof = onlyProof(request)
    const read = readDpopProof(proof)
    if (!read) throw refusal('the proof is malformed, or signed with an algorithm or key that is not accepted')
    const reason = misfit(read, request, token)
    if (reason !== undefined) throw refusal(reason)
    if (nonces && !nonces.accepts(read.claims.nonce ?? '')) {
      throw new Refusal('use_dpop_nonce', 'the proof must hold the nonce in the DPoP-Nonce header')
    }
    // Before the costly part: only who has a token of this key gets there.
    if (jwkThumbprint(read.jwk) !== jkt) throw new Refusal('invalid_token', 'the token is bound to another key')
    if (!(await isSigned(proof, read, jkt))) throw refusal('the signature of the proof is wrong')
    // At last, since whatever fails before has not used the proof.
    const unused = await replayGuard.use(`dpop ${jkt} ${read.claims.jti}`, lastSecond(read.claims.iat) * 1_000)
    if (!unused) throw refusal('the proof was used before')
  }
}

function onlyProof(request: DecisionRequest): string {
  const [proof, another] = valuesOf(request, 'dpop')
  if (proof === undefined) throw refusal('a DPoP proof is required')
  if (another !== undefined) throw refusal('there is more than one proof')
  return proof
}

function refusal(description: string): Refusal {
  return new Refusal('invalid_dpop_proof', description)
}
