/** The transports over HTTP. To add one: a file beside these and a line here. */
import { decisions } from './decisions.ts'
import { extAuthzHttp } from './ext-authz/http.ts'
import { forwardAuth } from './forward-auth.ts'
import type { DirectTransport, Transport } from './transport.ts'

export const transports: readonly Transport[] = [decisions]

/** Asked first. */
export const directTransports: readonly DirectTransport[] = [forwardAuth, extAuthzHttp]
