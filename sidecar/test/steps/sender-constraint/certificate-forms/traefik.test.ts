/** What a real Traefik wrote; docs/certificates-at-gateways.md has its configuration. Building one takes too long for each run. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { thumbprintOfTraefik } from '../../../../src/steps/sender-constraint/certificate-forms/traefik.ts'

/** `X-Forwarded-Tls-Client-Cert` of Traefik 3.7.13: a client's certificate and the authority that signed it. */
const observed = readFileSync(join(import.meta.dirname, 'traefik-3.7.13.txt'), 'utf8').trim()
/** By openssl, of the client's. */
const thumbprint = 'vt2bUmwrLRx3vYMHQdSmmw9P41QlnIzyPMr7CWfud94'

test('the first certificate of a chain is the client’s', () => {
  expect(observed.split(',')).toHaveLength(2)
  expect(thumbprintOfTraefik(observed)).toBe(thumbprint)
  const [own = '', authority = ''] = observed.split(',')
  expect(thumbprintOfTraefik(own)).toBe(thumbprint)
  expect(thumbprintOfTraefik(`${authority},${own}`)).not.toBe(thumbprint)
})

test.each(['', ',', `,${observed}`, ` ${observed}`, observed.slice(1)])(
  'what is no chain tells of nobody: %.20s',
  (text) => {
    expect(thumbprintOfTraefik(text)).toBeUndefined()
  },
)
