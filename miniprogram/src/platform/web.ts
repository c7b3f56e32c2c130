import { placeByBrowser } from './place'
import type { Platform } from './platform'
import { keep } from './storage'
import { pickFile } from './web-pictures'

/** The framework keeps a number that tells this device from all others. It finds a word here instead. */
const FRAMEWORK_DEVICE_KEY = '__DC_STAT_UUID'

interface WakeLock {
  request(kind: 'screen'): Promise<{ release(): Promise<void> }>
}

/** uni-app's web controls are not native buttons: the keyboard reaches them only when told to. */
function pressWithKeyboard(event: KeyboardEvent): void {
  const target = event.target as HTMLElement | null
  const role = target?.getAttribute('role') ?? ''
  if (!['button', 'link', 'switch', 'checkbox', 'radio'].includes(role)) return
  if (event.key !== 'Enter' && event.key !== ' ') return
  event.preventDefault()
  target?.click()
}

export const web: Platform = {
  name: 'web',
  drawsHeader: true,
  login: null,
  start() {
    document.addEventListener('keydown', pressWithKeyboard)
    keep(FRAMEWORK_DEVICE_KEY, 'none')
  },
  watchNetwork(tell) {
    tell(navigator.onLine)
    window.addEventListener('online', () => tell(true))
    window.addEventListener('offline', () => tell(false))
  },
  fontScale: () => 1,
  async brighten() {
    const wakeLock = (navigator as { wakeLock?: WakeLock }).wakeLock
    if (wakeLock === undefined) return () => undefined
    try {
      const lock = await wakeLock.request('screen')
      return () => void lock.release()
    } catch {
      // The browser may refuse at low battery; the code can be shown all the same.
      return () => undefined
    }
  },
  onCapture: () => () => undefined,
  nameField(test, naming) {
    const input = document.querySelector(`[data-test="${test}"] input`)
    input?.setAttribute('aria-label', naming.label)
    if (naming.autocomplete) input?.setAttribute('autocomplete', naming.autocomplete)
  },
  pickPicture: pickFile,
  scan: null,
  locate: placeByBrowser,
  askMessages: null,
}
