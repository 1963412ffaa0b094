import type { EventRecorder } from '../events/recorder.ts'

/**
 * Records what a client did to itself, as the same change by an administrator is recorded.
 * @param actor the client, where it was one already
 */
export function recordChange(
  events: Pick<EventRecorder, 'record'>,
  authServer: string,
  type: 'client.created' | 'client.updated' | 'client.deleted',
  client: string,
  { actor, changed }: { actor?: string; changed?: string | undefined } = {},
): void {
  events.record(authServer, { type, client_id: client, target: targetOf(authServer, client), actor, changed })
}

/** The path of a client on the admin API. */
export function targetOf(authServer: string, client: string): string {
  return `/auth-servers/${authServer}/clients/${client}`
}
