/** What was granted with a grant's first access token, and bounds all that follow: stored as a document. */
import { Actor } from '@postern/protocol/actor'
import { AuthorizationDetail } from '@postern/protocol/authorization-details'
import Type, { type Static } from 'typebox'
import { Compile } from 'typebox/compile'

const Granted = Type.Object({
  scopes: Type.Array(Type.String()),
  audiences: Type.Array(Type.String()),
  authorization_details: Type.Array(AuthorizationDetail),
  /** Whether the client had proven who it is: it must then do so each time. */
  authenticated: Type.Boolean(),
  actor: Type.Optional(Actor),
  /** The claims that proved the subject, for the claims engine. */
  subject_token: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
})
export type Granted = Static<typeof Granted>

const compiled = Compile(Granted)

/** @throws Error where the stored document is none: a fault of ours */
export function parseGranted(stored: unknown): Granted {
  return compiled.Parse(stored)
}
