import { computed, ref, type Ref } from 'vue'
import { ApiError, asApiError } from './api/client'
import { isSignedIn } from './session'

export type LoadedView = 'signed-out' | 'loading' | 'error' | 'offline' | 'ready'

/**
 * Something a page asks the server for. What was seen once stays when a later look fails; `isOld` then says so.
 * Of several looks under way only the last one counts.
 */
export function useLoaded<T>(ask: () => Promise<T>) {
  const content = ref(null) as Ref<T | null>
  const failure = ref<ApiError | null>(null)
  const isOld = ref(false)
  let newest = 0

  const view = computed<LoadedView>(() => {
    if (!isSignedIn.value) return 'signed-out'
    if (content.value !== null) return 'ready'
    if (failure.value === null) return 'loading'
    return failure.value.isNetwork ? 'offline' : 'error'
  })

  async function load(): Promise<void> {
    if (!isSignedIn.value) return
    const mine = ++newest
    if (content.value === null) failure.value = null
    try {
      const found = await ask()
      if (mine !== newest) return
      content.value = found
      failure.value = null
      isOld.value = false
    } catch (reason) {
      if (mine !== newest) return
      failure.value = asApiError(reason)
      isOld.value = content.value !== null
    }
  }

  /** Nothing of it is true any more. */
  function forget(): void {
    newest += 1
    content.value = null
    failure.value = null
    isOld.value = false
  }

  return { content, failure, view, isOld, load, forget }
}
