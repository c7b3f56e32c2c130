import { ref } from 'vue'
import type { ApiError } from '../../api/client'
import type { Factor } from '../../api/cards'
import { errorText, text } from '../../text'

/** What this page asks of the factor panel. */
interface Panel {
  take(): Factor | null
  clear(): void
  goSms(): void
}

/** A page's use of the factor panel: what it says after a refusal, and what is left to try. */
export function useFactor() {
  const panel = ref<Panel | null>(null)
  const fault = ref('')

  function take(): Factor | null {
    fault.value = ''
    return panel.value?.take() ?? null
  }

  /** True if the refusal was about the factor, and is said at it. */
  function refused(error: ApiError): boolean {
    const left = error.detail.tries_left
    if (error.code === 'factor.wrong') fault.value = typeof left === 'number' ? text.factor.wrongLeft(left) : errorText(error.code)
    else if (error.code === 'pin.locked' || error.code === 'factor.required') fault.value = errorText(error.code)
    else return false
    panel.value?.clear()
    if (error.code === 'pin.locked') panel.value?.goSms()
    return true
  }

  return { panel, fault, take, refused }
}
