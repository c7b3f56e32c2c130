import { computed, ref } from 'vue'
import { useCard } from './card'
import { inOrder } from './lifetime'

/** The cards with which something can be done at a hospital, and the one it is done for: the one shown, until another is chosen. */
export function useUsableCards() {
  const { view, card: shown, cards, failure, load } = useCard()
  const chosen_id = ref('')

  const usable = computed(() => inOrder(cards.value).filter((one) => one.status === 'active'))
  const card = computed(() => {
    const wanted = chosen_id.value || shown.value?.card_id
    return usable.value.find((one) => one.card_id === wanted) ?? usable.value[0] ?? null
  })
  /** `none`: there is nobody to do it for. */
  const cardView = computed(() => {
    if (card.value !== null) return 'card'
    return view.value === 'card' || view.value === 'empty' ? 'none' : view.value
  })
  const choose = (card_id: string) => (chosen_id.value = card_id)

  return { usable, card, cardView, choose, load, failure }
}
