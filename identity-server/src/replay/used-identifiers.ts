/** What a replay guard stands on: a memory of used identifiers that all replicas share. */
export interface UsedIdentifiers {
  /**
   * @param hash 32 bytes
   * @param expiresAt until when it must be remembered, in ms since the epoch
   * @param now ms since the epoch, before `expiresAt`
   * @returns true to exactly one of those who use it before it expires
   * @throws StoreError `unavailable`
   */
  use(authServer: string, hash: Buffer, expiresAt: number, now: number): Promise<boolean>
}
