/** `refresh_token` (RFC 6749 section 6): the first one is configured; where each is used once, the next one is remembered. */
import type { Secret } from '../../config/changing-secret.ts'
import { sha256 } from '../sha256.ts'
import type { OwnGrant } from './grant.ts'
import type { HeldRefreshToken, RefreshState } from './refresh-state.ts'

/**
 * @param state where the next one outlives the sidecar; undefined where it does not
 * @param onLost told that a new refresh token could not be kept
 */
export function refreshTokenGrant(
  first: Secret<string>,
  state: RefreshState | undefined,
  onLost: (error?: unknown) => void,
): OwnGrant {
  // A state that cannot be read is told at the start.
  let saved = state?.read()
  let held = saved
  let used: HeldRefreshToken | undefined

  /** A first one that is another than the held one goes back to was configured since. */
  const current = (): HeldRefreshToken => {
    const configured = first.current()
    const began = sha256(configured)
    if (held?.began !== began) held = { began, refreshToken: configured }
    return held
  }

  /**
   * After a reload, this one's predecessor may have written last. What stands there unchanged is older than what could not be
   * written, and was used: to use it again could end the whole grant (RFC 9700 section 4.14.2).
   */
  const readNews = () => {
    const found = state?.read()
    if (found && found.refreshToken !== saved?.refreshToken) held = found
    saved = found
  }

  return {
    of: 'sidecar',
    parameters() {
      readNews()
      used = current()
      return [
        ['grant_type', 'refresh_token'],
        ['refresh_token', used.refreshToken],
      ]
    },
    async answered({ refreshToken }) {
      if (!used || refreshToken === undefined || refreshToken === used.refreshToken) return
      held = { began: used.began, refreshToken }
      // Kept before the access token is used: the old one may be worth nothing any more.
      if (state) await state.write(held).catch(onLost)
      else onLost()
    },
    renewed() {
      first.reread()
      return current().refreshToken !== used?.refreshToken
    },
  }
}
