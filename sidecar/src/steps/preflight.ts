/** CORS preflight requests (Fetch standard, section 3.3.2). Browsers send them without any credentials: one with a token is none. */
import type { DecisionRequest } from '@postern/protocol/decision'
import { valuesOf } from './token-sources/header.ts'

export function isPreflight(request: DecisionRequest): boolean {
  return (
    request.method === 'OPTIONS' &&
    valuesOf(request, 'origin').length === 1 &&
    valuesOf(request, 'access-control-request-method').length === 1
  )
}
