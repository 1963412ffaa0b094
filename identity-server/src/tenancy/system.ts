/** The rows that Postern itself stands on: they are made at the first start and cannot be deleted. */

/** The organization at the root of the tree. */
export const rootOrganization = 'root'
/** The auth server whose tokens open the admin API. */
export const systemAuthServer = 'system'

/** The scopes of the admin API. */
export const adminScopes = { read: 'admin:read', write: 'admin:write' } as const

/** The audience of tokens for the admin API. */
export function adminAudience(publicOrigin: string): string {
  return `${publicOrigin}/admin/v1`
}
