/** The JWT bearer grant (RFC 7523 section 2.1), with an assertion that the sidecar itself signs. */
import type { Secret } from '../../config/changing-secret.ts'
import { Refusal } from '../../failures.ts'
import { signAssertion } from '../signing/signed-assertion.ts'
import type { SigningKey } from '../signing/signing-key.ts'
import { type ClaimTemplate, parseTemplate } from './claim-template.ts'
import type { Caller, UpstreamGrant } from './grant.ts'
import type { Parameters } from './token-endpoint.ts'

export interface JwtBearerOptions {
  key: Secret<SigningKey>
  issuer: string
  /** Templates, both. */
  subject: string
  claims: Readonly<Record<string, string>>
  audience: string
  /** Seconds. */
  lifetime: number
  maxCallers: number
  /** ms since the epoch */
  now: () => number
}

export function jwtBearer(options: JwtBearerOptions): UpstreamGrant {
  const { key, issuer, audience, lifetime, maxCallers, now } = options
  const subject = parseTemplate(options.subject)
  const claims = Object.entries(options.claims).map(([name, text]) => ({ name, template: parseTemplate(text) }))
  const fixed = [subject, ...claims.map(({ template }) => template)].every((template) => template.fixed)

  const parameters = async (said: Said): Promise<Parameters> => {
    const assertion = await signAssertion(key.current(), { issuer, audience, lifetime, ...said }, now())
    return Object.entries({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion })
  }
  const sayOf = (caller: Caller['claims']): Said => ({
    subject: render(subject, caller),
    claims: Object.fromEntries(claims.map(({ name, template }) => [name, render(template, caller)])),
  })

  if (fixed) return { of: 'sidecar', parameters: () => parameters(sayOf({})), renewed: key.reread }
  return {
    of: 'caller',
    maxCallers,
    askFor(caller) {
      const said = sayOf(caller.claims)
      // The token stands on none of theirs, so it may live as long as its issuer says.
      return { key: JSON.stringify(said), notAfter: Number.POSITIVE_INFINITY, parameters: () => parameters(said) }
    },
  }
}

/** What the assertion says that may differ from caller to caller. */
interface Said {
  subject: string
  claims: Record<string, string>
}

function render(template: ClaimTemplate, claims: Caller['claims']): string {
  const text = claims && template.render(claims)
  if (text === undefined) throw new Refusal('invalid_token', 'the token lacks a claim that the upstream needs')
  return text
}
