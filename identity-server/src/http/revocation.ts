import { required } from '../form.ts'
import { type Revoker, revokeToken } from '../tokens/revoke.ts'
import { authenticateCaller, type IssuerLookups } from './caller.ts'
import type { FormRoutes } from './form-endpoint.ts'

export interface RevocationEndpoint extends Revoker {
  lookups: IssuerLookups
  now: () => number
}

/**
 * The revocation endpoint (RFC 7009 section 2). Its answer says nothing about whether there was such a token. Public
 * clients revoke their own tokens as well: they name themselves, and the token must be theirs.
 */
export function revocationEndpoint(routes: FormRoutes, { lookups, now, ...revoker }: RevocationEndpoint): void {
  routes.post('/:auth_server/revoke', async (request, reply) => {
    const caller = await authenticateCaller(lookups, request)
    await revokeToken(revoker, caller, caller.client, required(caller.form, 'token'), now())
    return reply.headers({ 'cache-control': 'no-store', pragma: 'no-cache' }).code(200).send()
  })
}
