import { computed, ref } from 'vue'
import { ApiError, asApiError } from '../../api/client'
import { getCard, type Card } from '../../api/cards'
import { isSignedIn } from '../../session'

export type OneCardView = 'signed-out' | 'loading' | 'error' | 'offline' | 'card'

/** One card by its id, for the pages that do something with it. */
export function useOneCard() {
  const card = ref<Card | null>(null)
  const failure = ref<ApiError | null>(null)
  let card_id = ''

  const view = computed<OneCardView>(() => {
    if (!isSignedIn.value) return 'signed-out'
    if (card.value !== null) return 'card'
    if (failure.value === null) return 'loading'
    return failure.value.isNetwork ? 'offline' : 'error'
  })

  function open(query: Record<string, string | undefined> | undefined): void {
    card_id = query?.card ?? ''
  }

  async function load(): Promise<void> {
    if (!isSignedIn.value) return
    failure.value = null
    try {
      card.value = await getCard(card_id)
    } catch (reason) {
      failure.value = asApiError(reason)
    }
  }

  return { card, failure, view, open, load }
}
