/** The upstream receives a token of its own, and never the caller's. */
import { expect } from 'vitest'
import { valuesOf } from '../harness/upstream.ts'
import type { Case } from './case.ts'
import { bearer, passed, unavailable } from './expectations.ts'

export const upstreamTokenCases: readonly Case[] = [
  {
    name: 'the upstream token takes the place of the caller’s',
    request: async (issuer) => ({ fields: [await bearer(issuer)] }),
    verify(outcome) {
      expect(valuesOf(passed(outcome), 'authorization')).toEqual([`Bearer ${outcome.issuer.upstreamToken}`])
    },
  },
  {
    name: 'no upstream token to be had: 503, and the caller’s token does not take its place',
    request: async (issuer) => ({ target: '/no-upstream-token/', fields: [await bearer(issuer)] }),
    verify: unavailable,
  },
]
