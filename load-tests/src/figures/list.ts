/** The figures. To add one: a file beside these and a line here. */
import type { Figure } from './figure.ts'
import { secretVerification } from './secret-verification.ts'

export const figures: readonly Figure[] = [secretVerification]
