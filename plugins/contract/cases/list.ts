/** All cases. To add some: a line here, and a file beside these where they are about something else. */
import type { Case } from './case.ts'
import { fidelityCases } from './fidelity.ts'
import { identityHeaderCases } from './identity-headers.ts'
import { sidecarFailureCases } from './sidecar-failures.ts'
import { tokenCases } from './tokens.ts'
import { upstreamTokenCases } from './upstream-token.ts'

export const cases: readonly Case[] = [
  ...tokenCases,
  ...identityHeaderCases,
  ...upstreamTokenCases,
  ...fidelityCases,
  ...sidecarFailureCases,
]
