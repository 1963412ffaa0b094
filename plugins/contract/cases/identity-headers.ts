/** The upstream sees the identity that was decided about, never one that the client claims. */
import { expect } from 'vitest'
import { identityHeaders } from '../harness/sidecar.ts'
import { valuesOf } from '../harness/upstream.ts'
import type { Case, Outcome } from './case.ts'
import { bearer, challenged, passed } from './expectations.ts'

type Field = readonly [string, string]

/** Exactly what the decision says, in whatever spelling the upstream might look for. */
function hasDecidedIdentity(outcome: Outcome, tenant: string[] = []): void {
  const request = passed(outcome)
  expect(valuesOf(request, 'x-postern-client-id')).toEqual(['shop'])
  expect(valuesOf(request, 'x-postern-subject')).toEqual(['alice'])
  expect(valuesOf(request, 'x-postern-scope')).toEqual(['orders:read orders:write'])
  expect(valuesOf(request, 'x-postern-tenant')).toEqual(tenant)
}

const spoofed = (name: string, fields: (header: string) => readonly Field[]): Case => ({
  name: `spoofed identity headers: ${name}`,
  request: async (issuer) => ({ fields: [await bearer(issuer), ...Object.keys(identityHeaders).flatMap(fields)] }),
  verify: (outcome) => hasDecidedIdentity(outcome),
})

export const identityHeaderCases: readonly Case[] = [
  {
    name: 'the upstream receives the identity headers',
    request: async (issuer) => ({ fields: [await bearer(issuer)] }),
    verify: (outcome) => hasDecidedIdentity(outcome),
  },
  {
    name: 'an identity header whose claim is there on some tokens only is set for those',
    request: async (issuer) => ({ fields: [await bearer(issuer, { claims: { tenant: 'acme' } })] }),
    verify: (outcome) => hasDecidedIdentity(outcome, ['acme']),
  },
  {
    name: 'a claim with a line break injects no header',
    request: async (issuer) => ({ fields: [await bearer(issuer, { claims: { tenant: 'a\r\nX-Injected: 1' } })] }),
    verify(outcome) {
      hasDecidedIdentity(outcome)
      expect(outcome.seen.flatMap((request) => valuesOf(request, 'x-injected'))).toEqual([])
    },
  },
  spoofed('as they are', (name) => [[name, 'root']]),
  spoofed('upper case', (name) => [[name.toUpperCase(), 'root']]),
  spoofed('mixed case', (name) => [[name.replace(/(^|-)x?[a-z]/g, (text) => text.toUpperCase()), 'root']]),
  spoofed('underscores', (name) => [[name.replaceAll('-', '_'), 'root']]),
  spoofed('upper case and underscores', (name) => [[name.toUpperCase().replaceAll('-', '_'), 'root']]),
  spoofed('dots', (name) => [[name.replaceAll('-', '.'), 'root']]),
  spoofed('one underscore among hyphens', (name) => [[name.replace('-', '_'), 'root']]),
  spoofed('other signs', (name) =>
    ['!', '#', '$', '%', '&', "'", '*', '+', '^', '`', '|', '~'].map((sign) => [name.replaceAll('-', sign), 'root']),
  ),
  spoofed('repeated', (name) => [
    [name, 'root'],
    [name, 'admin'],
  ]),
  spoofed('repeated in different spellings', (name) => [
    [name, 'root'],
    [name.replaceAll('-', '_'), 'root'],
    [name.toUpperCase(), 'admin'],
  ]),
  spoofed('empty', (name) => [[name, '']]),
  {
    name: 'spoofed identity headers: as trailers',
    request: async (issuer) => ({
      method: 'POST',
      body: 'x',
      fields: [await bearer(issuer)],
      trailers: Object.fromEntries(Object.keys(identityHeaders).map((name) => [name, 'root'])),
    }),
    verify: (outcome) => hasDecidedIdentity(outcome),
  },
  {
    name: 'identity headers named in Connection reach the upstream all the same',
    request: async (issuer) => ({
      fields: [
        await bearer(issuer),
        ['Connection', `close, ${Object.keys(identityHeaders).join(', ')}, X_Postern_Subject`],
      ],
    }),
    verify(outcome) {
      hasDecidedIdentity(outcome)
      expect(valuesOf(passed(outcome), 'authorization')).toHaveLength(1)
    },
  },
  {
    name: 'an Authorization header named in Connection lets pass what was decided, or nothing',
    request: async (issuer) => ({ fields: [await bearer(issuer), ['Connection', 'close, Authorization']] }),
    verify(outcome) {
      // A gateway may take it as meant for itself alone (RFC 9110 section 7.6.1), and the token with it.
      if (outcome.answer.status === 401) challenged(outcome, 401, undefined)
      else hasDecidedIdentity(outcome)
    },
  },
  {
    name: 'the answer shows the client nothing of the identity',
    request: async (issuer) => ({ fields: [await bearer(issuer)] }),
    verify(outcome) {
      passed(outcome)
      const names = Object.keys(outcome.answer.headers)
      expect(names.filter((name) => name.startsWith('x-postern-') || name === 'authorization')).toEqual([])
    },
  },
]
