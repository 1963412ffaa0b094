/** The figures. To add one: a file beside these and a line here. */
import { cachedTokensMemory } from './cached-tokens-memory.ts'
import { coldClient } from './cold-client.ts'
import { coldOpaqueToken } from './cold-opaque-token.ts'
import { es256Sign, es256SignOnThreads, es256Verify } from './es256.ts'
import type { Figure } from './figure.ts'
import { grpcCheck } from './grpc-check.ts'
import { halfLoadLatency, halfLoadLatencyOfEmptyRoute } from './half-load-latency.ts'
import { reloadUnderLoad } from './reload-under-load.ts'
import { revocationToDenial } from './revocation-to-denial.ts'
import { secretVerification } from './secret-verification.ts'
import { uncachedRequest, uncachedVerification } from './uncached-token.ts'
import { verifiedToken } from './verified-token.ts'

export const figures: readonly Figure[] = [
  coldClient,
  secretVerification,
  verifiedToken,
  es256Sign,
  es256SignOnThreads,
  es256Verify,
  uncachedVerification,
  uncachedRequest,
  coldOpaqueToken,
  halfLoadLatency,
  halfLoadLatencyOfEmptyRoute,
  grpcCheck,
  revocationToDenial,
  reloadUnderLoad,
  cachedTokensMemory,
]
