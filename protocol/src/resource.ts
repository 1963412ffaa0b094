/** Resource indicators (RFC 8707 section 2): absolute URIs without a fragment (RFC 3986 section 4.3). */

const absoluteUri = /^[A-Za-z][A-Za-z0-9+.-]*:[\x21\x24-\x3B\x3D\x3F-\x5B\x5D\x5F\x61-\x7A\x7E]+$/
const percentEncoding = /%(?![0-9A-Fa-f]{2})/

/** Whether the text is one. It is compared as it stands, so nothing of it is normalized. */
export function isResourceIndicator(text: string): boolean {
  return absoluteUri.test(text) && !percentEncoding.test(text)
}
