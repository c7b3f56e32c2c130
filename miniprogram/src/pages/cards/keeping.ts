import type { Card } from '../../api/cards'
import { forget, keep, read } from '../../platform/storage'

/** What the phone keeps of the card for a day without network: masked fields and the static code, nothing else. */

const KEY = 'card'

export interface KeptCard {
  card: Card
  static_text: string | null
  kept_at_ms: number
}

export function readKept(): KeptCard | null {
  return read<KeptCard>(KEY)
}

/** Keeps the card; its static code stays only as long as it is the same card, in use. */
export function keepCard(card: Card, now_ms: number): void {
  const before = readKept()
  const isSame = before?.card.ehealth_card_id === card.ehealth_card_id && card.status === 'active'
  keep(KEY, { card, static_text: isSame ? before?.static_text ?? null : null, kept_at_ms: now_ms } as KeptCard)
}

export function keepStaticText(card: Card, static_text: string, now_ms: number): void {
  keep(KEY, { card, static_text, kept_at_ms: now_ms } as KeptCard)
}

export function forgetCard(): void {
  forget(KEY)
}
