/** A question to an introspection endpoint (RFC 7662), all of its requests included. */
import { DependencyError } from '../../failures.ts'
import type { Dependency } from '../calls/dependency.ts'
import type { Hedge } from '../calls/hedge.ts'
import type { HttpAnswer } from '../calls/http-client.ts'
import { sendPatiently } from '../calls/retry.ts'
import type { OAuthClient } from '../client-auth/client.ts'
import type { Claims } from '../jwt/issuer-jwt.ts'
import { type IntrospectionResponse, isIntrospectionResponse } from './response.ts'
import type { ReadSigned } from './signed-answer.ts'

/** The members of an active token, or undefined for one that is not active. @throws DependencyError */
export type Ask = (token: string) => Promise<Claims | undefined>

export interface QuestionOptions {
  endpoint: () => Promise<string>
  /** Deadline of a question. */
  timeoutMs: number
  retries: number
  client: OAuthClient
  /** Undefined where nothing is asked twice. */
  hedge: Hedge | undefined
  /** Reads signed answers; undefined where plain ones are believed. */
  readSigned: ReadSigned | undefined
  dependency: Dependency
}

export function createAsk(options: QuestionOptions): Ask {
  const { endpoint, timeoutMs: withinMs, retries, client, hedge, readSigned, dependency } = options
  const headers = { accept: readSigned ? 'application/token-introspection+jwt' : 'application/json' }

  return async (token) => {
    const url = await endpoint()
    const parameters = Object.entries({ token, token_type_hint: 'access_token' })
    const send = (timeoutMs: number, signal?: AbortSignal) =>
      client.postForm({ url, parameters, headers, timeoutMs, ...(signal && { signal }) })
    const sendOnce = (leftMs: () => number) => hedge?.run((signal) => send(leftMs(), signal)) ?? send(leftMs())

    return dependency.call(async () => {
      const answer = await sendPatiently(sendOnce, { retries, withinMs })
      if (answer.status !== 200) throw new DependencyError(dependency.name, `status ${answer.status}`)
      const response = readSigned ? await readSigned(answer) : readPlain(answer, dependency.name)
      return response.active ? response : undefined
    })
  }
}

function readPlain({ json }: HttpAnswer, name: string): IntrospectionResponse {
  if (!isIntrospectionResponse(json)) throw new DependencyError(name, 'no introspection response')
  return json
}
