/** What the bearers of bound tokens must prove under a policy, from its configuration. */
import type { PolicyConfig } from '../config/schema/policy.ts'
import { type ClientCertificateConfig, certificateHeader, type DpopConfig } from '../config/schema/sender-constraint.ts'
import type { ReplayGuard } from '../remote/replay-guard.ts'
import {
  type ReadThumbprint,
  thumbprintFromGateway,
  thumbprintFromHeader,
} from '../steps/sender-constraint/certificate.ts'
import type { ThumbprintOf } from '../steps/sender-constraint/certificate-forms/form.ts'
import { certificateForms } from '../steps/sender-constraint/certificate-forms/list.ts'
import { thumbprintOfPem } from '../steps/sender-constraint/certificate-forms/pem.ts'
import { createDpopNonces, type DpopNonces } from '../steps/sender-constraint/dpop-nonces.ts'
import { createVerifyProof } from '../steps/sender-constraint/dpop-proof.ts'
import { type CheckPossession, createCheckPossession } from '../steps/sender-constraint/possession.ts'
import { uriFromGateway, urisAtOrigins } from '../steps/sender-constraint/request-uri.ts'
import type { Timer } from '../timing.ts'
import type { Toolkit } from './toolkit.ts'

export interface ComposedSenderConstraint {
  checkPossession: CheckPossession
  /** The same, but it uses no proof up. */
  rehearsePossession: CheckPossession
  /** Undefined where proofs need none. */
  nonces: DpopNonces | undefined
}

const minSecretLength = 32

/** @param policy its name */
export function composeSenderConstraint(
  policy: string,
  { dpop, client_certificate: certificate }: PolicyConfig,
  toolkit: Toolkit,
): ComposedSenderConstraint {
  const { replayGuard, burst, timerOf, now } = toolkit
  const timer = timerOf('sender_constraint')
  const nonces = dpop && composeNonces(policy, dpop, toolkit)
  const readThumbprint = certificate && composeReadThumbprint(certificate, timer)
  const checkWith = (guard: ReplayGuard) => {
    const verifyProof =
      dpop &&
      createVerifyProof({
        urisOf: dpop.origins ? urisAtOrigins(dpop.origins) : uriFromGateway,
        maxAge: dpop.max_age,
        leeway: dpop.leeway,
        nonces,
        replayGuard: guard,
        burst,
        now,
      })
    return createCheckPossession({
      verifyProof: verifyProof && ((...proven) => timer.wait(() => verifyProof(...proven))),
      readThumbprint,
    })
  }
  return { checkPossession: checkWith(replayGuard), rehearsePossession: checkWith({ use: async () => true }), nonces }
}

function composeNonces(
  policy: string,
  { nonce }: DpopConfig,
  { changingSecret, now }: Toolkit,
): DpopNonces | undefined {
  if (!nonce) return undefined
  const secret = changingSecret(`${policy} dpop.nonce.secret`, [nonce.secret], ([text = '']) => {
    if (text.length >= minSecretLength) return text
    throw new Error(`the secret of the nonces of ${policy} has under ${minSecretLength} characters`)
  })
  return createDpopNonces({ secret: secret.current, lifetime: nonce.lifetime, now })
}

function composeReadThumbprint(config: ClientCertificateConfig, timer: Timer): ReadThumbprint {
  const header = certificateHeader(config)
  // Only of certificates that are seen for the first time.
  const timed =
    (thumbprintOf: ThumbprintOf): ThumbprintOf =>
    (value) =>
      timer.run(() => thumbprintOf(value))
  if (config.from === 'gateway' || header === undefined) return thumbprintFromGateway(timed(thumbprintOfPem))
  return thumbprintFromHeader(header, timed(certificateForms[config.from]))
}
