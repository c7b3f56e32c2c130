import { ref } from 'vue'
import { ApiError, asApiError } from '../../api/client'
import { listCards, type Card } from '../../api/cards'
import { isSignedIn } from '../../session'
import { choose, chosenId, forgetCards, keepCards, keptCards } from './keeping'
import { chooseCard } from './lifetime'

export type CardView = 'signed-out' | 'loading' | 'empty' | 'error' | 'offline' | 'card'

/**
 * The card shown, and the family's others. What the phone kept is shown at once and the server asked meanwhile, so that a
 * queue at a counter does not wait for a list; `isOld` says that the server did not answer.
 */
export function useCard() {
  const view = ref<CardView>('loading')
  const card = ref<Card | null>(null)
  const cards = ref<Card[]>([])
  const failure = ref<ApiError | null>(null)
  const isOld = ref(false)

  async function load(): Promise<void> {
    if (!isSignedIn.value) return leave()
    showKept()
    try {
      const found = await listCards()
      if (!isSignedIn.value) return leave()
      settle(found)
    } catch (reason) {
      if (!isSignedIn.value) return leave()
      miss(asApiError(reason))
    }
  }

  function showKept(): void {
    show(keptCards())
    view.value = card.value === null ? 'loading' : 'card'
  }

  function settle(found: Card[]): void {
    failure.value = null
    isOld.value = false
    if (found.length === 0) forgetCards()
    else keepCards(found, Date.now())
    show(found)
    view.value = card.value === null ? 'empty' : 'card'
  }

  function show(found: Card[]): void {
    cards.value = found
    card.value = chooseCard(found, chosenId())
  }

  function switchTo(card_id: string): void {
    choose(card_id)
    show(cards.value)
  }

  function miss(error: ApiError): void {
    failure.value = error
    isOld.value = true
    if (card.value === null) view.value = error.isNetwork ? 'offline' : 'error'
  }

  function leave(): void {
    card.value = null
    cards.value = []
    failure.value = null
    isOld.value = false
    view.value = 'signed-out'
  }

  return { view, card, cards, failure, isOld, load, switchTo }
}
