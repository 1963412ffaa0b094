/**
 * The grants from the client's side: which parameters ask for a token. Some ask for the sidecar, and the token is everybody's;
 * the others ask for one caller, and say for whom.
 */
import type { Parameters } from './token-endpoint.ts'
import type { FetchedToken } from './token-response.ts'

/** Who asks for a decision, and was authenticated. */
export interface Caller {
  token: string
  /** Undefined where nobody has verified the token here. */
  claims: Readonly<Record<string, unknown>> | undefined
  /** ms since the epoch; Infinity where none is known. */
  expiresAt: number
}

export interface OwnGrant {
  of: 'sidecar'
  parameters(): Parameters | Promise<Parameters>
  /** Told of each token, before it is used. */
  answered?(token: FetchedToken): Promise<void>
  /** Told that the endpoint refused with `invalid_grant`. @returns whether there is something new to ask with */
  renewed?(): boolean
}

export interface CallerGrant {
  of: 'caller'
  /** Tokens that are kept. */
  maxCallers: number
  /** @throws Refusal where none can be asked for such a caller */
  askFor(caller: Caller): CallerQuestion
}

/** No more of the caller than has to be kept. */
export interface CallerQuestion {
  /** Callers for whom it is the same share a token. */
  key: string
  parameters(): Promise<Parameters>
  /** ms since the epoch, beyond which the token may not be used, however long it lives. */
  notAfter: number
  /** Told that the endpoint is well, and refused. */
  refused?(): void
}

export type UpstreamGrant = OwnGrant | CallerGrant
