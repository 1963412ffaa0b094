import type { FastifyInstance } from 'fastify'
import type { Database } from '../store/database.ts'
import { revokeToken } from '../tokens/revoke.ts'
import { authenticateCaller, type IssuerLookups, required } from './caller.ts'

/** The revocation endpoint (RFC 7009 section 2). Its answer says nothing about whether there was such a token. */
export function revocationEndpoint(
  app: FastifyInstance,
  { lookups, db, now }: { lookups: IssuerLookups; db: Database; now: () => number },
): void {
  app.post('/:auth_server/revoke', async (request, reply) => {
    const { authServer, keys, client, form } = await authenticateCaller(lookups, request)
    await revokeToken(db, { authServer, keys, client }, required(form, 'token'), now())
    return reply.headers({ 'cache-control': 'no-store', pragma: 'no-cache' }).code(200).send()
  })
}
