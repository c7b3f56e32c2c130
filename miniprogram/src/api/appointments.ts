import { call } from './client'
import type { Kind } from './institutions'

export type AppointmentState =
  | 'holding' | 'held' | 'confirming' | 'confirmed' | 'checked_in' | 'completed' | 'released' | 'cancelled' | 'no_show'

export interface Appointment {
  appointment_id: string
  state: AppointmentState
  kind: Kind
  institution_id: string
  institution: string
  department_id: string
  department: string
  doctor: string | null
  item: string | null
  place: string
  starts_at: string
  ends_at: string
  fee_fen: number
  card_id: string
  name_masked: string
  /** Takes part in a draw: there is no place yet. */
  is_waiting: boolean
  hold_expires_at: string | null
  may: string[]
  cancel_until: string
  registration_no: string | null
  because: string | null
  hospital_code: string | null
}

export interface BookingLimits {
  limits: { what: 'person_day' | 'family' | 'device'; kind: Kind | null; allowed: number; used: number | null }[]
  no_shows: { appointment_id: string; starts_at: string }[]
  no_show_limit: number
  no_show_window_days: number
  blocked_until: string | null
  hold_minutes: number
  cancel_until_minutes: number
}

export function book(card_id: string, institution_id: string, slot_id: string, idempotencyKey: string): Promise<Appointment> {
  return call({ method: 'POST', path: '/appointments', body: { card_id, institution_id, slot_id }, idempotencyKey })
}

export async function listAppointments(which: 'coming' | 'past'): Promise<Appointment[]> {
  return (await call<{ appointments: Appointment[] }>({ method: 'GET', path: `/appointments?which=${which}` })).appointments
}

export function getAppointment(appointment_id: string): Promise<Appointment> {
  return call({ method: 'GET', path: of(appointment_id) })
}

export function confirmAppointment(appointment_id: string, idempotencyKey: string): Promise<Appointment> {
  return call({ method: 'POST', path: `${of(appointment_id)}/confirmation`, body: {}, idempotencyKey })
}

export function cancelAppointment(appointment_id: string, idempotencyKey: string): Promise<Appointment> {
  return call({ method: 'POST', path: `${of(appointment_id)}/cancellation`, body: {}, idempotencyKey })
}

export function getBookingLimits(card_id: string): Promise<BookingLimits> {
  return call({ method: 'GET', path: `/booking-limits?card_id=${encodeURIComponent(card_id)}` })
}

const of = (appointment_id: string) => `/appointments/${encodeURIComponent(appointment_id)}`
