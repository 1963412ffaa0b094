/** Answers of an introspection endpoint as signed JWTs (RFC 9701): they are the issuer's, for us, and fresh, or not believed. */
import { audienceMatches } from '@postern/protocol/audience'
import { DependencyError, Refusal } from '../../failures.ts'
import type { HttpAnswer } from '../calls/http-client.ts'
import type { VerifyIssuerJwt } from '../jwt/issuer-jwt.ts'
import { receiveJwt } from '../jwt/received-jwt.ts'
import { type IntrospectionResponse, isIntrospectionResponse } from './response.ts'

/** @throws DependencyError */
export type ReadSigned = (answer: HttpAnswer) => Promise<IntrospectionResponse>

export interface SignedAnswerOptions {
  /** Of the endpoint, for messages. */
  name: string
  /** How we are known there. */
  clientId: string
  verify: VerifyIssuerJwt
  /** ms since the epoch */
  now: () => number
}

const type = 'token-introspection+jwt'
/** An answer was made just now; more is left for clocks that differ. */
const maxAgeMs = 60_000

export function createReadSigned({ name, clientId, verify, now }: SignedAnswerOptions): ReadSigned {
  return async (answer) => {
    const jwt = answer.jwt === undefined ? undefined : receiveJwt(answer.jwt)
    if (!jwt) throw new DependencyError(name, 'the answer is not signed')
    const claims = await verify(jwt, [type]).catch((error: unknown) => {
      throw error instanceof Refusal ? new DependencyError(name, `of the answer, ${error.message}`) : error
    })
    const { aud, iat, token_introspection: response } = claims
    if (!audienceMatches(aud, [clientId])) throw new DependencyError(name, 'the answer is for another client')
    if (typeof iat !== 'number' || !(Math.abs(now() - iat * 1_000) <= maxAgeMs)) {
      throw new DependencyError(name, 'the answer is not fresh')
    }
    if (!isIntrospectionResponse(response)) throw new DependencyError(name, 'no introspection response')
    return response
  }
}
