import Type, { type Static } from 'typebox'
import { HeaderName, object, SecretSource, seconds } from './parts.ts'

export const Dpop = object(
  {
    origins: Type.Optional(
      Type.Array(Type.String({ pattern: '^https?://[^\\s/?#]+$', maxLength: 300 }), {
        minItems: 1,
        maxItems: 20,
        uniqueItems: true,
        description: 'Under which clients reach what is protected, as in https://api.example.com',
      }),
    ),
    origin_from_gateway: Type.Boolean({
      default: false,
      description: 'The gateway tells scheme and host of each request, and lets no client tell them',
    }),
    max_age: seconds(60, 5, 300, 'How long a proof is accepted'),
    leeway: seconds(5, 0, 60, 'How far the clocks of clients may be off'),
    nonce: Type.Optional(
      object(
        {
          secret: { ...SecretSource, description: 'At least 32 characters, the same for all sidecars of a resource' },
          lifetime: seconds(60, 10, 3_600, 'How long a nonce is offered; it is accepted for as long again'),
        },
        'Proofs must hold a nonce of the sidecar, so that none can be made ahead of time',
      ),
    ),
  },
  'Tokens that are bound to a key by DPoP (RFC 9449); without this member they are refused',
)
export type DpopConfig = Static<typeof Dpop>

/** Forms of headers, and the names that these usually have. */
const usualHeaders = {
  rfc9440: 'client-cert',
  nginx: 'ssl-client-cert',
  envoy_xfcc: 'x-forwarded-client-cert',
  traefik: 'x-forwarded-tls-client-cert',
  base64_der: 'x-client-cert',
} as const
export type CertificateFormName = keyof typeof usualHeaders
const forms = ['rfc9440', 'nginx', 'envoy_xfcc', 'traefik', 'base64_der'] as const satisfies CertificateFormName[]

export const ClientCertificate = object(
  {
    from: Type.Enum([...forms, 'gateway'], {
      description: 'The form of the header; gateway: the member client_certificate of what a plugin asks',
    }),
    header: Type.Optional(
      Type.String({
        ...HeaderName,
        description: 'Its name, where it is not the usual one. The gateway overwrites what clients send in it',
      }),
    ),
  },
  'How the gateway tells which certificate a client has; without this member tokens bound to one are refused',
)
export type ClientCertificateConfig = Static<typeof ClientCertificate>

/** The header that tells of the certificate, in lower case; undefined where none does. */
export function certificateHeader(config: ClientCertificateConfig | undefined): string | undefined {
  if (!config || config.from === 'gateway') return undefined
  return (config.header ?? usualHeaders[config.from]).toLowerCase()
}
