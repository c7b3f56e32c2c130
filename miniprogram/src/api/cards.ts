import { call, newIdempotencyKey } from './client'

export type CardStatus = 'pending' | 'active' | 'frozen' | 'lost' | 'cancelled' | 'refused'
export type CodeKind = 'dynamic' | 'static'
export type Relation = 'self' | 'child' | 'parent' | 'ward'
/** `remove` takes a family member's card out of this account. */
export type CardRight = CardAction | 'remove'
export type CardAction = 'report_lost' | 'freeze' | 'reactivate' | 'reissue' | 'cancel'

export interface Card {
  card_id: string
  ehealth_card_id: string | null
  status: CardStatus
  relation: Relation
  claimed_at: string
  person: {
    name_masked: string
    gender: 'male' | 'female'
    id_type: string
    id_no_masked: string
    phone_masked: string
  }
  /** What a pending card waits for: the outside source, or a person at the review desk. */
  pending_reason?: 'source' | 'review' | null
  /** `held`: the person has a card already; `unproven`: what was brought proved too little. */
  refused_reason?: 'mismatch' | 'review' | 'held' | 'unproven' | null
  /** What the review desk wrote for the resident. */
  review_note?: string | null
  has_pin?: boolean
  /** The code that the card page opens with. */
  shows?: CodeKind
  /** What this account may do with the card now. */
  may?: CardRight[]
}

export interface CardCode {
  text: string
  kind: CodeKind
  issued_at: string
  /** Null for a static code. */
  expires_at: string | null
  refresh_seconds: number | null
}

/** That it is the holder who asks: the card's own number, or a text message to the card's own phone. */
export type Factor = { kind: 'pin'; pin: string } | { kind: 'sms'; request_id: string; code: string }

export interface FactorCode {
  request_id: string
  expires_at: string
  phone_masked: string
}

export async function listCards(): Promise<Card[]> {
  return (await call<{ cards: Card[] }>({ method: 'GET', path: '/cards' })).cards
}

export function getCard(card_id: string): Promise<Card> {
  return call({ method: 'GET', path: cardPath(card_id) })
}

export function getCode(card_id: string, kind: CodeKind): Promise<CardCode> {
  return call({ method: 'GET', path: `${cardPath(card_id)}/code?kind=${kind}` })
}

export function moveCard(card_id: string, action: CardAction, factor: Factor | null, idempotencyKey: string): Promise<Card> {
  const proof = factor === null ? {} : { factor }
  return call({ method: 'POST', path: `${cardPath(card_id)}/transitions`, body: { action, ...proof }, idempotencyKey })
}

export function requestFactorCode(card_id: string): Promise<FactorCode> {
  return call({ method: 'POST', path: `${cardPath(card_id)}/factor-codes`, body: {}, idempotencyKey: newIdempotencyKey() })
}

/** Null takes the number away. */
export function setPin(card_id: string, pin: string | null, factor: Factor): Promise<void> {
  return call({ method: 'PUT', path: `${cardPath(card_id)}/pin`, body: { pin, factor }, idempotencyKey: newIdempotencyKey() })
}

/** Takes a family member's card out of this account; the card itself stays. */
export function removeCard(card_id: string): Promise<void> {
  return call({ method: 'DELETE', path: cardPath(card_id), idempotencyKey: newIdempotencyKey() })
}

export function cardPath(card_id: string): string {
  return `/cards/${encodeURIComponent(card_id)}`
}
