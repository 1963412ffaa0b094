/** The grant of an upstream, from its configuration. A line here for each file of `remote/upstream-grants/`. */
import type { TokenTargetConfig } from '../config/schema/grant.ts'
import type { UpstreamConfig } from '../config/schema/upstream.ts'
import { safeReason } from '../failures.ts'
import { readSigningKey } from '../remote/signing/signing-key.ts'
import { clientCredentials } from '../remote/upstream-grants/client-credentials.ts'
import type { UpstreamGrant } from '../remote/upstream-grants/grant.ts'
import { jwtBearer } from '../remote/upstream-grants/jwt-bearer.ts'
import { passwordGrant } from '../remote/upstream-grants/password.ts'
import { createRefreshState } from '../remote/upstream-grants/refresh-state.ts'
import { refreshTokenGrant } from '../remote/upstream-grants/refresh-token.ts'
import type { Parameters } from '../remote/upstream-grants/token-endpoint.ts'
import { tokenExchange } from '../remote/upstream-grants/token-exchange.ts'
import type { UpstreamTokens } from '../remote/upstream-tokens/upstream-tokens.ts'
import type { Toolkit } from './toolkit.ts'

/** @param clientTokens tokens of the client itself, for such a target */
export function composeGrant(
  name: string,
  { grant, client_id, issuer }: UpstreamConfig,
  clientTokens: (target: TokenTargetConfig) => UpstreamTokens,
  { changingSecret, logger, now }: Toolkit,
): UpstreamGrant {
  const { token_exchange, jwt_bearer, refresh_token, password } = grant
  if (token_exchange) {
    return tokenExchange({
      subjectTokenType: token_exchange.subject_token_type,
      requestedTokenType: token_exchange.requested_token_type,
      actorTokens: token_exchange.actor && clientTokens(token_exchange.actor),
      maxCallers: token_exchange.max_callers,
    })
  }
  if (jwt_bearer) {
    return jwtBearer({
      ...jwt_bearer,
      key: changingSecret(`${name} grant.jwt_bearer.key`, [jwt_bearer.key], ([text = '']) =>
        readSigningKey(text, jwt_bearer),
      ),
      issuer: jwt_bearer.issuer ?? client_id,
      // One of the two is there (config/checks/upstreams.ts).
      audience: jwt_bearer.audience ?? issuer ?? '',
      maxCallers: jwt_bearer.max_callers,
      now,
    })
  }
  if (refresh_token) {
    const first = changingSecret(`${name} grant.refresh_token.token`, [refresh_token.token], ([text = '']) => text)
    const { state_file } = refresh_token
    const state = state_file === undefined ? undefined : createRefreshState(state_file)
    const reason = state ? 'the state file cannot be written' : 'there is no state_file'
    return refreshTokenGrant(first, state, (error) => {
      const cause = error === undefined ? undefined : safeReason(error)
      logger.warn({ upstream: name, reason, cause }, 'a new refresh token is lost when the sidecar ends')
    })
  }
  if (password) {
    const secret = changingSecret(`${name} grant.password`, [password.password], ([text = '']) => text)
    return passwordGrant(password.username, secret)
  }
  return clientCredentials
}

/** RFC 6749 section 3.3, RFC 8693 section 2.1, RFC 8707 section 2. */
export function targetParameters({ scope, audience, resource }: TokenTargetConfig): Parameters {
  return [
    ...(scope === undefined ? [] : [['scope', scope] as const]),
    ...audience.map((value) => ['audience', value] as const),
    ...resource.map((value) => ['resource', value] as const),
  ]
}
