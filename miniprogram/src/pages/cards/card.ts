import { ref } from 'vue'
import { ApiError, asApiError } from '../../api/client'
import { listCards, type Card } from '../../api/cards'
import { isSignedIn } from '../../session'
import { forgetCard, keepCard, readKept } from './keeping'
import { chooseCard } from './lifetime'

export type CardView = 'signed-out' | 'loading' | 'empty' | 'error' | 'offline' | 'card'

/**
 * The resident's card. What the phone kept is shown at once and the server asked meanwhile, so that a
 * queue at a counter does not wait for a list; `isOld` says that the server did not answer.
 */
export function useCard() {
  const view = ref<CardView>('loading')
  const card = ref<Card | null>(null)
  const failure = ref<ApiError | null>(null)
  const isOld = ref(false)

  async function load(): Promise<void> {
    if (!isSignedIn.value) return leave()
    showKept()
    try {
      const found = chooseCard(await listCards())
      if (!isSignedIn.value) return leave()
      settle(found)
    } catch (reason) {
      if (!isSignedIn.value) return leave()
      miss(asApiError(reason))
    }
  }

  function showKept(): void {
    const kept = readKept()
    if (card.value === null && kept !== null) card.value = kept.card
    view.value = card.value === null ? 'loading' : 'card'
  }

  function settle(found: Card | null): void {
    failure.value = null
    isOld.value = false
    card.value = found
    view.value = found === null ? 'empty' : 'card'
    if (found === null) forgetCard()
    else keepCard(found, Date.now())
  }

  function miss(error: ApiError): void {
    failure.value = error
    isOld.value = true
    if (card.value === null) view.value = error.isNetwork ? 'offline' : 'error'
  }

  function leave(): void {
    card.value = null
    failure.value = null
    isOld.value = false
    view.value = 'signed-out'
  }

  return { view, card, failure, isOld, load }
}
