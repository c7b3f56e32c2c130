import { call } from './client'
import type { Appointment } from './appointments'

export interface Preparation {
  code: string
  hours: number | null
  minutes: number | null
}

export interface ExaminationOrder {
  order_id: string
  institution_id: string
  institution: string
  item: string
  name: string
  state: 'open' | 'booked' | 'done' | 'cancelled'
  ordered_at: string
  fee_fen: number
  appointment_id: string | null
  preparation: Preparation[]
}

export interface Planned {
  order_id: string
  name: string
  place: string
  starts_at: string
  ends_at: string
  preparation: Preparation[]
}

export interface Clash {
  reason: string
  order_id: string
  name: string
  other_name: string | null
  parameters: Record<string, string | number>
}

export interface ExaminationPlan {
  /** Null when there is no plan; then the conflicts say why. */
  plan_id: string | null
  visits: { on: string; items: Planned[] }[]
  conflicts: Clash[]
}

export function listOrders(card_id: string): Promise<{ orders: ExaminationOrder[]; is_complete: boolean }> {
  return call({ method: 'GET', path: `/examination-orders?card_id=${encodeURIComponent(card_id)}` })
}

export function planOrders(card_id: string, institution_id: string, order_ids: string[], idempotencyKey: string): Promise<ExaminationPlan> {
  return call({ method: 'POST', path: '/examination-plans', body: { card_id, institution_id, order_ids }, idempotencyKey })
}

export async function bookPlan(plan_id: string, idempotencyKey: string): Promise<Appointment[]> {
  const path = `/examination-plans/${encodeURIComponent(plan_id)}/bookings`
  return (await call<{ appointments: Appointment[] }>({ method: 'POST', path, body: {}, idempotencyKey })).appointments
}
