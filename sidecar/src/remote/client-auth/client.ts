/** The sidecar as a client at an endpoint: sends what is asked for with its credentials, as they are at that moment. */
import type { Secret } from '../../config/changing-secret.ts'
import { formBody, type HttpAnswer, type HttpClient, type HttpRequest } from '../calls/http-client.ts'
import type { ClientAuthMethod } from './method.ts'

export interface FormRequest extends Omit<HttpRequest, 'method' | 'body'> {
  /** A name may stand there more than once. */
  parameters: readonly (readonly [name: string, value: string])[]
  /** Headers that are good for one request, as proofs are: made anew where it is sent once more. */
  singleUse?: (() => Promise<Readonly<Record<string, string>>>) | undefined
}

/**
 * Each sends once more where the endpoint refuses the credentials and there are others by now, whoever has noticed first. The
 * deadline is that of both. @throws as the HTTP client does
 */
export interface OAuthClient {
  postForm(request: FormRequest): Promise<HttpAnswer>
  /** For methods that need a header alone. */
  send(request: HttpRequest): Promise<HttpAnswer>
  /** The same connections, for what is asked without credentials. */
  readonly http: HttpClient
}

export interface OAuthClientOptions {
  method: ClientAuthMethod
  /** With the client's certificate, where it has one. */
  http: HttpClient
  /** The certificate. */
  tls?: Secret<unknown> | undefined
}

export function createOAuthClient({ method, http, tls }: OAuthClientOptions): OAuthClient {
  const secrets = [method.secret, tls].filter((secret) => secret !== undefined)

  const withCredentials = async (request: HttpRequest, form?: Pick<FormRequest, 'parameters' | 'singleUse'>) => {
    const { headers: credentials, parameters: added } = await method.credentials()
    const headers = { ...request.headers, ...(await form?.singleUse?.()), ...credentials }
    return http.send({
      ...request,
      headers,
      ...(form && { body: formBody([...form.parameters, ...Object.entries(added)]) }),
    })
  }

  const twiceAtMost = async (request: HttpRequest, form?: Pick<FormRequest, 'parameters' | 'singleUse'>) => {
    const begun = performance.now()
    const used = secrets.map((secret) => secret.current())
    const answer = await withCredentials(request, form)
    if (!refusesClient(answer)) return answer
    for (const secret of secrets) secret.reread()
    const changed = secrets.some((secret, index) => secret.current() !== used[index])
    const timeoutMs = Math.floor(request.timeoutMs - (performance.now() - begun))
    return changed && timeoutMs > 0 ? withCredentials({ ...request, timeoutMs }, form) : answer
  }

  return {
    http,
    send: (request) => twiceAtMost(request),
    postForm: ({ parameters, singleUse, ...request }) =>
      twiceAtMost(
        {
          ...request,
          method: 'POST',
          headers: { 'content-type': 'application/x-www-form-urlencoded', ...request.headers },
        },
        { parameters, singleUse },
      ),
  }
}

/** RFC 6749 section 5.2: 401, or 400 with the code. */
function refusesClient({ status, json }: HttpAnswer): boolean {
  if (status === 401) return true
  return (
    status === 400 && typeof json === 'object' && json !== null && 'error' in json && json.error === 'invalid_client'
  )
}
