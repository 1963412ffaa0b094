/** The forms, by their name in the configuration. To add one: a file beside these and a line here. */
import type { CertificateFormName } from '../../../config/schema/sender-constraint.ts'
import { thumbprintOfDer } from './der.ts'
import { thumbprintOfXfcc } from './envoy-xfcc.ts'
import type { ThumbprintOf } from './form.ts'
import { thumbprintOfPem } from './pem.ts'
import { thumbprintOfClientCert } from './rfc9440.ts'
import { thumbprintOfTraefik } from './traefik.ts'

export const certificateForms: Readonly<Record<CertificateFormName, ThumbprintOf>> = {
  rfc9440: thumbprintOfClientCert,
  nginx: thumbprintOfPem,
  envoy_xfcc: thumbprintOfXfcc,
  traefik: thumbprintOfTraefik,
  base64_der: thumbprintOfDer,
}
