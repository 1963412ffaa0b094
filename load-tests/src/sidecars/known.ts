/** A sidecar that trusts the issuer whose key is here. */
import type { Figure } from '../figures/figure.ts'
import { type KnownIssuer, startKnownIssuer } from './issuer.ts'
import { type RunningSidecar, startSidecar } from './sidecar.ts'

export interface Pair {
  issuer: KnownIssuer
  sidecar: RunningSidecar
}

export const policy = 'load'

/** @returns what the work returns; both are stopped then */
export async function withKnownSidecar(
  work: (pair: Pair) => Promise<number>,
  listen?: Record<string, string>,
): Promise<number> {
  const issuer = await startKnownIssuer()
  try {
    const sidecar = await startSidecar(configFor(issuer), listen)
    try {
      return await work({ issuer, sidecar })
    } finally {
      await sidecar.stop()
    }
  } finally {
    await issuer.stop()
  }
}

/** A figure that needs nothing but the two. */
export function knownFigure(about: Omit<Figure, 'measure'>, work: (pair: Pair) => Promise<number>): Figure {
  return { ...about, measure: () => withKnownSidecar(work) }
}

export function forwardAuth(token: string) {
  return { method: 'GET', path: `/v1/forward-auth/${policy}`, headers: { authorization: `Bearer ${token}` } } as const
}

function configFor({ url, audience }: KnownIssuer): object {
  const introspection = { client_id: 'load', client_secret: { value: 'secret' } }
  return {
    issuers: { known: { issuer: url, audience: [audience], introspection } },
    policies: {
      [policy]: {
        issuers: ['known'],
        required_scopes: [],
        headers: { 'x-subject': 'sub', 'x-client': 'client_id', 'x-scope': 'scope' },
      },
    },
    cache: { max_entries: 120_000, max_bytes: 512 * 1024 * 1024 },
    log: { level: 'warn' },
  }
}
