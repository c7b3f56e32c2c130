import { call } from './client'
import type { Factor } from './cards'

/** Who asks for a card at a terminal, and what for; that they do is proven by their signature. */
export interface AuthorizationAsks {
  request_id: string
  institution: string
  place: string
  terminal_id: string
  scene: string
  department: string | null
  purpose: string | null
  expires_at: string
  /** By the server's clock, when it answered. */
  seconds_left: number
  needs_factor: boolean
}

/** The text of the code on the terminal's screen travels in the body. */
export function readRequest(text: string): Promise<AuthorizationAsks> {
  return call({ method: 'POST', path: '/authorization-requests', body: { text } })
}

export function approveRequest(request_id: string, card_id: string, factor: Factor | null, idempotencyKey: string): Promise<void> {
  const proof = factor === null ? {} : { factor }
  return call({ method: 'POST', path: `${requestPath(request_id)}/approval`, body: { card_id, ...proof }, idempotencyKey })
}

export function refuseRequest(request_id: string, idempotencyKey: string): Promise<void> {
  return call({ method: 'POST', path: `${requestPath(request_id)}/refusal`, body: {}, idempotencyKey })
}

function requestPath(request_id: string): string {
  return `/authorization-requests/${encodeURIComponent(request_id)}`
}
