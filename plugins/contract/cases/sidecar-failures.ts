/** Without a decision nothing passes, whatever is wrong with the sidecar. */
import { expect } from 'vitest'
import { brokenAnswerNames, type FrontMode } from '../harness/front.ts'
import type { Case } from './case.ts'
import { bearer, unavailable } from './expectations.ts'

const broken = (sidecar: FrontMode): Case => ({
  name: `the sidecar is broken: ${sidecar}`,
  sidecar,
  request: async (issuer) => ({ method: 'POST', body: 'x', fields: [await bearer(issuer)] }),
  verify: unavailable,
})

export const sidecarFailureCases: readonly Case[] = [
  broken('down'),
  ...brokenAnswerNames.map(broken),
  {
    name: 'the sidecar does not know the policy',
    request: async (issuer) => ({ target: '/unknown-policy/', fields: [await bearer(issuer)] }),
    verify({ answer, seen }) {
      expect(seen).toEqual([])
      expect([403, 503]).toContain(answer.status)
    },
  },
]
