/**
 * A form in which gateways write the client's certificate into a header.
 * @returns the `x5t#S256` (RFC 8705 section 3.1); undefined where the value is no certificate, or more than one
 */
export type ThumbprintOf = (value: string) => string | undefined
