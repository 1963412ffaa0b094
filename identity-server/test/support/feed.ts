/** The revocation feed as a reader of it sees it. */
import type { Revocation } from '@postern/protocol/revocation'
import { parseRevocation } from '@postern/protocol/revocation-event'
import type { PollResponse } from '@postern/protocol/security-event'
import { decodeJwt } from 'jose'
import { basic, type Credentials, postJson } from './http.ts'

export interface Polled extends PollResponse {
  /** What the events say, in their order. */
  revocations: Revocation[]
  /** What they are about. */
  revoked: string[]
}

/** A poll that asks for no waiting. */
export const atOnce = { returnImmediately: true }

export async function poll(issuer: string, reader: Credentials, body: object, signal?: AbortSignal): Promise<Polled> {
  const answer = await postJson(`${issuer}/events/poll`, body, basic(reader), signal)
  if (answer.status !== 200) throw new Error(`poll answered ${answer.status}: ${answer.text}`)
  const { sets, moreAvailable, next } = answer.json
  const revocations = Object.values(Object(sets)).map((set) => {
    const claims = decodeJwt(String(set))
    const revocation = parseRevocation(claims, String(claims.iss))
    if (typeof revocation === 'string') throw new Error(`an event is ${revocation}`)
    return revocation
  })
  const revoked = revocations.map(({ value }) => value)
  return { sets: Object(sets), moreAvailable: moreAvailable === true, next: String(next), revocations, revoked }
}
