/** Small values kept on the phone. A phone that refuses to keep them works on without. */

export function read<T>(key: string): T | null {
  try {
    const kept = uni.getStorageSync(key)
    return kept === '' || kept === undefined ? null : (kept as T)
  } catch {
    return null
  }
}

export function keep(key: string, value: unknown): void {
  try {
    uni.setStorageSync(key, value)
  } catch {
    // Full or forbidden storage costs a convenience, never the page.
  }
}

export function forget(key: string): void {
  try {
    uni.removeStorageSync(key)
  } catch {
    // See keep().
  }
}
