/**
 * The grants. To add one: a file beside these and a line here; metadata, the admin API's validation and the token
 * endpoint follow from the list.
 */
import { clientCredentials } from './client-credentials.ts'
import type { Grant } from './grant.ts'

export const grants: readonly Grant[] = [clientCredentials]
