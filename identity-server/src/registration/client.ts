/** A client before and after it has spoken. */
import type { ClientSettings } from '../clients/settings.ts'
import type { ClientMetadata } from './metadata.ts'

/** The client as it stands, where it changes itself. */
export interface PresentClient {
  id: string
  name: string
  grantTypes: readonly string[]
  authMethods: readonly string[]
  scopes: readonly string[]
  settings: ClientSettings
  /** What it registered last. */
  registered: ClientMetadata
}

export interface AdmittedClient {
  /** Undefined: it has none, and is called by its id. */
  name: string | undefined
  grantTypes: string[]
  authMethods: string[]
  scopes: string[]
  settings: ClientSettings
  /** What is remembered of its words. */
  registered: ClientMetadata
}
