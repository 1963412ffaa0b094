/** SHA-256: what stands for a token where the token itself need not be kept, or must not be shown; `ath`, thumbprints. */
import { hash } from 'node:crypto'

/** @returns base64url */
export function sha256(text: string): string {
  return hash('sha256', text, 'base64url')
}
