import { ref } from 'vue'
import { asApiError } from './api/client'
import { errorText } from './text'

/** One press of "save": busy meanwhile, then saved or refused; the next change takes the word "saved" away. */
export function useSaving() {
  const isBusy = ref(false)
  const isSaved = ref(false)
  const refusal = ref('')

  /** Whether the server has said anything: when not, the same key asks again. */
  async function save(work: () => Promise<void>): Promise<boolean> {
    isBusy.value = true
    refusal.value = ''
    try {
      await work()
      isSaved.value = true
      return true
    } catch (reason) {
      const error = asApiError(reason)
      refusal.value = errorText(error.code)
      return !error.isNetwork
    } finally {
      isBusy.value = false
    }
  }

  function changed(): void {
    isSaved.value = false
  }

  return { isBusy, isSaved, refusal, save, changed }
}
