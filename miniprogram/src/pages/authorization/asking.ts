import { computed, onBeforeUnmount, ref } from 'vue'
import { ApiError, asApiError, newIdempotencyKey } from '../../api/client'
import { approveRequest, readRequest, refuseRequest, type AuthorizationAsks } from '../../api/authorizations'
import type { Factor } from '../../api/cards'

export type AskingView = 'find' | 'loading' | 'error' | 'offline' | 'expired' | 'decided' | 'wrong' | 'asks' | 'approved' | 'refused'

/** The text read from a terminal's screen, on its way to this page. */
export const scanned = ref('')

const TICK_MS = 1000
const ENDS: Record<string, AskingView> = { 'authorization.expired': 'expired', 'authorization.decided': 'decided' }

/** What somebody typed or scanned, as the code has it. */
export function asRequestText(typed: string): string {
  return typed.replace(/\s/g, '').toUpperCase()
}

/** Where a refusal leads: it is over, the code is none of these, or it is worth another try. */
export function viewAfter(error: ApiError): AskingView {
  if (error.code in ENDS) return ENDS[error.code]
  if (error.isNetwork) return 'offline'
  return error.status >= 400 && error.status < 500 && error.status !== 429 ? 'wrong' : 'error'
}

/**
 * One request of a terminal: read, shown while it lasts, answered once. The time left is the server's, counted
 * from the moment the page asked for it.
 */
export function useAsking() {
  const view = ref<AskingView>('find')
  const asks = ref<AuthorizationAsks | null>(null)
  const failure = ref<ApiError | null>(null)
  const isBusy = ref(false)
  const now_ms = ref(Date.now())
  let text = ''
  let ends_at_ms = 0
  let life_ms = 1
  let key = newIdempotencyKey()

  const timer = setInterval(tick, TICK_MS)
  onBeforeUnmount(() => clearInterval(timer))

  const left_s = computed(() => Math.max(0, Math.ceil((ends_at_ms - now_ms.value) / 1000)))
  const partLeft = computed(() => Math.min(1, Math.max(0, (ends_at_ms - now_ms.value) / life_ms)))

  function tick(): void {
    now_ms.value = Date.now()
    // An answer under way may still be in time: the server says.
    if (view.value === 'asks' && !isBusy.value && now_ms.value >= ends_at_ms) view.value = 'expired'
  }

  async function read(found: string): Promise<void> {
    text = asRequestText(found)
    view.value = 'loading'
    failure.value = null
    try {
      const asked_at_ms = Date.now()
      asks.value = await readRequest(text)
      life_ms = Math.max(1, asks.value.seconds_left * 1000)
      ends_at_ms = asked_at_ms + life_ms
      now_ms.value = Date.now()
      key = newIdempotencyKey()
      view.value = 'asks'
    } catch (reason) {
      failure.value = asApiError(reason)
      view.value = viewAfter(failure.value)
    }
  }

  /** The error, when there was one that this page has not answered itself. */
  async function answer(send: (request_id: string, key: string) => Promise<void>, done: AskingView): Promise<ApiError | null> {
    if (asks.value === null || isBusy.value) return null
    isBusy.value = true
    failure.value = null
    try {
      await send(asks.value.request_id, key)
      view.value = done
      return null
    } catch (reason) {
      const error = asApiError(reason)
      // Not known whether it was heard: the same key asks again. Anything else was an answer.
      if (!error.isNetwork) key = newIdempotencyKey()
      if (error.code in ENDS) {
        view.value = ENDS[error.code]
        return null
      }
      return error
    } finally {
      isBusy.value = false
    }
  }

  const approve = (card_id: string, factor: Factor | null) =>
    answer((request_id, sent) => approveRequest(request_id, card_id, factor, sent), 'approved')
  const refuse = () => answer((request_id, sent) => refuseRequest(request_id, sent), 'refused')
  const again = () => read(text)
  const find = () => (view.value = 'find')

  return { view, asks, failure, isBusy, left_s, partLeft, read, again, find, approve, refuse }
}
