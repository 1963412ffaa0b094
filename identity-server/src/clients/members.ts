import { Value } from 'typebox/value'
import type { ClientRow } from '../store/clients.ts'
import { ClientSettings } from './settings.ts'

/** A client as administrators see it, and the audit log tells of it. */
export function clientMembers({ auth_server_id: _, settings, created_at, updated_at, ...row }: ClientRow) {
  return { ...row, ...Value.Parse(ClientSettings, settings) }
}
