/** The figures. To add one: a file beside these and a line here. */
import { coldClient } from './cold-client.ts'
import { es256Sign, es256SignOnThreads, es256Verify } from './es256.ts'
import type { Figure } from './figure.ts'
import { secretVerification } from './secret-verification.ts'
import { verifiedToken } from './verified-token.ts'

export const figures: readonly Figure[] = [
  coldClient,
  secretVerification,
  verifiedToken,
  es256Sign,
  es256SignOnThreads,
  es256Verify,
]
