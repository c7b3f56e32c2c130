import { call } from './client'

export type CardStatus = 'pending' | 'active' | 'frozen' | 'lost' | 'cancelled' | 'refused'
export type CodeKind = 'dynamic' | 'static'

export interface Card {
  card_id: string
  ehealth_card_id: string | null
  status: CardStatus
  relation: string
  claimed_at: string
  person: {
    name_masked: string
    gender: 'male' | 'female'
    id_type: string
    id_no_masked: string
    phone_masked: string
  }
}

export interface CardCode {
  text: string
  kind: CodeKind
  issued_at: string
  /** Null for a static code. */
  expires_at: string | null
  refresh_seconds: number | null
}

export interface Claim {
  name: string
  id_no: string
  phone: string
  notice_version: string
}

export async function listCards(): Promise<Card[]> {
  return (await call<{ cards: Card[] }>({ method: 'GET', path: '/cards' })).cards
}

export function claimCard(claim: Claim, idempotencyKey: string): Promise<Card> {
  return call({
    method: 'POST',
    path: '/cards',
    body: { ...claim, id_type: '01', relation: 'self' },
    idempotencyKey,
  })
}

export function getCode(card_id: string, kind: CodeKind): Promise<CardCode> {
  return call({ method: 'GET', path: `/cards/${encodeURIComponent(card_id)}/code?kind=${kind}` })
}
