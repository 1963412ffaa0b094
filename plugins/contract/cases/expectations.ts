/** What most cases expect, said once. */
import { expect } from 'vitest'
import type { TestIssuer, TokenChanges } from '../harness/issuer.ts'
import type { SeenRequest } from '../harness/upstream.ts'
import type { Outcome } from './case.ts'

/** The fields of a request with a token. */
export async function bearer(issuer: TestIssuer, changes?: TokenChanges): Promise<[string, string]> {
  return ['Authorization', `Bearer ${await issuer.mint(changes)}`]
}

/** The one request that reached the upstream. */
export function passed({ answer, seen }: Outcome): SeenRequest {
  expect(answer.status, answer.body).toBe(200)
  expect(answer.body).toBe('upstream 200')
  const [request] = seen
  expect(seen).toHaveLength(1)
  if (!request) throw new Error('nothing reached the upstream')
  return request
}

/** Refused with a Bearer challenge (RFC 6750 section 3); nothing reached the upstream. */
export function challenged({ answer, seen }: Outcome, status: 401 | 403, error: string | undefined): void {
  expect(seen).toEqual([])
  expect(answer.status, answer.body).toBe(status)
  const challenge = answer.headers['www-authenticate'] ?? ''
  expect(challenge).toMatch(/^Bearer realm="[^"]+"/)
  // A second challenge would have been joined to the first.
  expect(challenge.match(/Bearer /g)).toHaveLength(1)
  expect(/error="([^"]+)"/.exec(challenge)?.[1]).toBe(error)
  expect(JSON.parse(answer.body)).toMatchObject({ error: expect.any(String), error_description: expect.any(String) })
}

/** Refused because nothing is known about the request; nothing reached the upstream. */
export function unavailable({ answer, seen }: Outcome): void {
  expect(seen).toEqual([])
  expect(answer.status, answer.body).toBe(503)
  expect(answer.headers['retry-after']).toMatch(/^[1-9][0-9]*$/)
  expect(JSON.parse(answer.body)).toMatchObject({ error: 'temporarily_unavailable' })
  expect(answer.took).toBeLessThan(3_000)
}
