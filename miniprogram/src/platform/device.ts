import { keep, read } from './storage'

/** A number of chance that this phone made for itself: wrong attempts are counted by it, and it says nothing else. */

const KEY = 'device'

/** No secret, only unlikely to come twice. */
export function unlikelyTwice(): string {
  const part = () => Math.random().toString(16).slice(2, 10).padEnd(8, '0')
  return `${Date.now().toString(16)}-${part()}-${part()}`
}

export const deviceId: string = read<string>(KEY) ?? unlikelyTwice()
keep(KEY, deviceId)
