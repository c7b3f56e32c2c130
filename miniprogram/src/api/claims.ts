import { call, newIdempotencyKey } from './client'
import type { Card, Relation } from './cards'

export type Need = 'gender' | 'birth_on'
export type ProofKind = 'birth_certificate' | 'household_register' | 'consent_sms' | 'consent_card' | 'guardianship'

/** What the centre accepts online, at present. */
export interface ClaimOptions {
  documents: { id_type: string; needs: Need[] }[]
  /** Proofs for somebody under age, and for a grown-up. */
  relations: Partial<Record<Relation, { proofs: ProofKind[]; proofs_of_adult: ProofKind[] }>>
  guardian_years: number
  family: { limit: number; used: number }
  attachments: { required_for: string[]; media_types: string[]; max_bytes: number }
  sources_needed: string[]
}

export type RelationProof =
  | { kind: 'birth_certificate' | 'household_register'; number: string }
  | { kind: 'consent_sms'; request_id: string; code: string }
  | { kind: 'consent_card'; code: string }
  | { kind: 'guardianship'; attachment_id: string }

export interface Claim {
  name: string
  id_type: string
  id_no: string
  phone: string
  relation: Relation
  notice_version: string
  gender?: 'male' | 'female'
  birth_on?: string
  bank_card_no?: string
  physical_card_no?: string
  phone_code?: { request_id: string; code: string }
  relation_proof?: RelationProof
  attachment_ids?: string[]
}

export interface Attachment {
  attachment_id: string
  media_type: string
  bytes: number
}

export function getClaimOptions(): Promise<ClaimOptions> {
  return call({ method: 'GET', path: '/claim-options' })
}

export function claimCard(claim: Claim, idempotencyKey: string): Promise<Card> {
  return call({ method: 'POST', path: '/cards', body: { ...claim }, idempotencyKey })
}

export function uploadPicture(bytes: ArrayBuffer, media_type: string): Promise<Attachment> {
  return call({ method: 'POST', path: '/attachments', picture: { bytes, media_type }, idempotencyKey: newIdempotencyKey() })
}
