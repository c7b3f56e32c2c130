import type { Card } from '../../api/cards'
import { forget, keep, read } from '../../platform/storage'

/** What the phone keeps for a day without network: masked cards and their static codes, and which one was shown. */

const KEY = 'cards'

export interface KeptCard {
  card: Card
  static_text: string | null
  kept_at_ms: number
}

interface Kept {
  /** The card that the resident chose to show. */
  chosen: string | null
  cards: KeptCard[]
}

const readAll = (): Kept => read<Kept>(KEY) ?? { chosen: null, cards: [] }

export function chosenId(): string | null {
  return readAll().chosen
}

export function readKept(card_id: string | null | undefined): KeptCard | null {
  return readAll().cards.find((kept) => kept.card.card_id === card_id) ?? null
}

export function keptCards(): Card[] {
  return readAll().cards.map((kept) => kept.card)
}

/** Keeps these cards and no other; a static code stays only as long as it is the same card, in use. */
export function keepCards(cards: Card[], now_ms: number): void {
  const { chosen, cards: before } = readAll()
  keep(KEY, { chosen, cards: cards.map((card) => keptAnew(card, before, now_ms)) } as Kept)
}

/** Keeps a card that was just claimed or changed, and shows it next. */
export function keepCard(card: Card, now_ms: number): void {
  const { cards: before } = readAll()
  const others = before.filter((kept) => kept.card.card_id !== card.card_id)
  keep(KEY, { chosen: card.card_id, cards: [...others, keptAnew(card, before, now_ms)] } as Kept)
}

export function choose(card_id: string): void {
  keep(KEY, { ...readAll(), chosen: card_id })
}

export function keepStaticText(card: Card, static_text: string, now_ms: number): void {
  const { chosen, cards } = readAll()
  const others = cards.filter((kept) => kept.card.card_id !== card.card_id)
  keep(KEY, { chosen, cards: [...others, { card, static_text, kept_at_ms: now_ms }] } as Kept)
}

export function forgetCards(): void {
  forget(KEY)
}

function keptAnew(card: Card, before: KeptCard[], now_ms: number): KeptCard {
  const old = before.find((kept) => kept.card.card_id === card.card_id)
  const isSame = old?.card.ehealth_card_id === card.ehealth_card_id && card.status === 'active'
  return { card, static_text: isSame ? old?.static_text ?? null : null, kept_at_ms: now_ms }
}
