/** The first step: the caller's token, from the Authorization header and nowhere else (RFC 6750 section 2.1). */
import { parseBearer } from '@postern/protocol/bearer'

export type Extraction = { token: string } | 'none' | 'malformed'

const name = 'authorization'

/**
 * @param headers name, value, name, value … as received. Two Authorization headers are malformed, whatever they
 *   hold: gateway, sidecar and upstream might each read another one.
 */
export function extractToken(headers: readonly string[]): Extraction {
  let authorization: string | undefined
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const candidate = headers[index]
    if (candidate?.length !== name.length || candidate.toLowerCase() !== name) continue
    if (authorization !== undefined) return 'malformed'
    authorization = headers[index + 1]
  }
  return authorization === undefined ? 'none' : parseBearer(authorization)
}
