/** What a schema cannot say: references between members, addresses that are too open. One function of `checks/` a rule. */
import { httpsBeyondLoopback, listensOnLoopback, sharesTcpOnly } from './checks/addresses.ts'
import type { Check, PathProblem } from './checks/check.ts'
import {
  certificateFitsMethod,
  certificateHasKey,
  clientAssertionFitsMethod,
  clientAssertionHasAudience,
  clientSecretFitsMethod,
} from './checks/client-auth.ts'
import { callerTokenForwardable, headersApart, headersFree } from './checks/headers.ts'
import {
  conditionsCompile,
  inspectionCredentialsWhole,
  pathsReadable,
  rulesReachable,
  sourcesApart,
} from './checks/policies.ts'
import { redisPasswordsOverTls, redisTopology } from './checks/redis.ts'
import {
  distinctIssuers,
  feedsWhereRequired,
  jwtsIntrospectable,
  knownReferences,
  opaqueTokensToldApart,
  tokensOfSomeKind,
} from './checks/references.ts'
import {
  certificateHeaderApart,
  dpopOriginKnown,
  dpopTokenFindable,
  requiredBindingProvable,
} from './checks/sender-constraint.ts'
import { identityKeysOfAll, proofsKnownToAll, refreshTokensOfOne } from './checks/shared.ts'
import {
  boundTokensStayOut,
  jwtBearerHasAudience,
  stateFilesApart,
  tokenEndpointKnown,
  tokenParametersFree,
  tokenRequestHeadersFree,
} from './checks/upstreams.ts'
import type { Config } from './schema.ts'

const checks: readonly Check[] = [
  listensOnLoopback,
  sharesTcpOnly,
  proofsKnownToAll,
  identityKeysOfAll,
  refreshTokensOfOne,
  knownReferences,
  httpsBeyondLoopback,
  distinctIssuers,
  opaqueTokensToldApart,
  jwtsIntrospectable,
  feedsWhereRequired,
  tokensOfSomeKind,
  headersApart,
  headersFree,
  callerTokenForwardable,
  clientSecretFitsMethod,
  clientAssertionFitsMethod,
  clientAssertionHasAudience,
  certificateFitsMethod,
  certificateHasKey,
  tokenEndpointKnown,
  jwtBearerHasAudience,
  tokenParametersFree,
  tokenRequestHeadersFree,
  stateFilesApart,
  boundTokensStayOut,
  redisTopology,
  redisPasswordsOverTls,
  sourcesApart,
  pathsReadable,
  rulesReachable,
  conditionsCompile,
  inspectionCredentialsWhole,
  dpopOriginKnown,
  dpopTokenFindable,
  requiredBindingProvable,
  certificateHeaderApart,
]

export function semanticProblems(config: Config): PathProblem[] {
  return checks.flatMap((check) => check(config))
}
