import type { Card, CardCode } from '../../api/cards'

/** How long a code lives and when it is renewed: pure rules, all times in milliseconds of the phone's clock. */

/** A code is renewed when this part of its life is over, so that nobody holds out a code about to end. */
export const RENEW_AT = 0.85

export interface HeldCode {
  text: string
  kind: 'dynamic' | 'static'
  /** All three are null for a static code, which does not end. */
  life_ms: number | null
  renew_at_ms: number | null
  ends_at_ms: number | null
}

/**
 * The code as this phone may show it. Only the server's clock decides, and the phone's may be wrong by hours:
 * so the life is the server's difference, counted from the moment the code was asked for.
 */
export function hold(code: CardCode, asked_at_ms: number): HeldCode {
  if (code.expires_at === null) {
    return { text: code.text, kind: code.kind, life_ms: null, renew_at_ms: null, ends_at_ms: null }
  }
  const life_ms = Math.max(0, Date.parse(code.expires_at) - Date.parse(code.issued_at))
  const refresh_ms = Math.min(life_ms, (code.refresh_seconds ?? Infinity) * 1000)
  return {
    text: code.text,
    kind: code.kind,
    life_ms,
    renew_at_ms: asked_at_ms + refresh_ms * RENEW_AT,
    ends_at_ms: asked_at_ms + life_ms,
  }
}

export function isAlive(held: HeldCode | null, now_ms: number): boolean {
  return held !== null && (held.ends_at_ms === null || now_ms < held.ends_at_ms)
}

export function isDue(held: HeldCode | null, now_ms: number): boolean {
  return held === null || (held.renew_at_ms !== null && now_ms >= held.renew_at_ms)
}

/** Whole seconds left, never negative; the last second counts as one. */
export function secondsLeft(held: HeldCode | null, now_ms: number): number {
  if (held === null || held.ends_at_ms === null) return 0
  return Math.max(0, Math.ceil((held.ends_at_ms - now_ms) / 1000))
}

/** 0 to 1. */
export function partLeft(held: HeldCode | null, now_ms: number): number {
  if (held === null || held.ends_at_ms === null || !held.life_ms) return 0
  return Math.min(1, Math.max(0, (held.ends_at_ms - now_ms) / held.life_ms))
}

/** Wait before the next attempt: 2, 4, 8, then 15 s, or what the server asked for if that is longer. */
export function backoff_ms(attempts: number, retry_after_s: number | null): number {
  const own_s = Math.min(15, 2 ** Math.max(1, attempts))
  return Math.max(own_s, Math.min(retry_after_s ?? 0, 300)) * 1000
}

export type CodeState = 'loading' | 'live' | 'renewing' | 'expired' | 'offline' | 'static'

export interface Situation {
  wanted: 'dynamic' | 'static'
  held: HeldCode | null
  isAsking: boolean
  /** The last attempt failed. */
  hasFailed: boolean
  /** The last attempt did not reach the server. */
  isCutOff: boolean
  hasKeptStatic: boolean
}

/** What the resident sees. A dynamic code that has ended is never shown, whatever the network does. */
export function codeState(now: Situation, now_ms: number): CodeState {
  const held = now.held !== null && now.held.kind === now.wanted ? now.held : null
  if (isAlive(held, now_ms)) {
    if (now.wanted === 'static') return 'static'
    return now.isAsking && isDue(held, now_ms) ? 'renewing' : 'live'
  }
  if (now.isCutOff && now.hasKeptStatic) return 'offline'
  if (held !== null || now.hasFailed) return 'expired'
  return 'loading'
}

/** The card to show: the one chosen, or an active one before one that waits, one's own before others, the newest of equals. */
export function chooseCard(cards: Card[], chosen_id: string | null = null): Card | null {
  const chosen = cards.find((card) => card.card_id === chosen_id)
  return chosen ?? inOrder(cards)[0] ?? null
}

export function inOrder(cards: Card[]): Card[] {
  const rank = (card: Card) => ['active', 'pending', 'frozen', 'lost', 'refused', 'cancelled'].indexOf(card.status)
  const own = (card: Card) => (card.relation === 'self' ? 0 : 1)
  return [...cards].sort((a, b) => rank(a) - rank(b) || own(a) - own(b) || b.claimed_at.localeCompare(a.claimed_at))
}
