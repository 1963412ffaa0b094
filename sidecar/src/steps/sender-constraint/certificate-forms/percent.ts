/** @returns undefined where the text breaks the encoding; base64 and PEM hold no percent sign of their own */
export function decodePercent(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
