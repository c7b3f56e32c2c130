import { call } from './client'

export interface Visit {
  visit_id: string
  appointment_id: string | null
  card_id: string
  kind: string
  state: 'expected' | 'checked_in' | 'finished' | 'cancelled'
  institution_id: string
  institution: string
  department: string
  doctor: string | null
  place: string | null
  starts_at: string | null
  ends_at: string | null
  registration_no: string | null
  steps: { event: string; at: string; place: string | null }[]
  /** `what` is a word of the table of tasks, or of the queue. */
  next: { what: string; title: string | null; place: string | null; step: number | null } | null
  queue: {
    token: string
    state: string
    position: number | null
    ahead: number | null
    place: string
    called_at: string | null
    /** When a hospital with a queue of its own last said so; `is_silent`: it does not answer now. */
    as_of: string | null
    is_silent: boolean
  } | null
  version: string
}

/** Where the phone is; `system` says which coordinates these are. */
export interface PhonePlace {
  latitude: number
  longitude: number
  accuracy_m: number
  system: 'gcj02' | 'wgs84'
}

export async function listVisits(card_id: string): Promise<Visit[]> {
  return (await call<{ visits: Visit[] }>({ method: 'GET', path: `/visits?card_id=${encodeURIComponent(card_id)}` })).visits
}

/** With `since` the answer is held back until something changed, for so many seconds. */
export function getVisit(visit_id: string, since: string | null, wait_s: number): Promise<Visit> {
  const waiting = since === null ? '' : `?since=${encodeURIComponent(since)}&wait_s=${wait_s}`
  return call({ method: 'GET', path: `${of(visit_id)}${waiting}` })
}

export function checkIn(visit_id: string, how: { place: PhonePlace } | { scan: string }, idempotencyKey: string): Promise<Visit> {
  return call({ method: 'POST', path: `${of(visit_id)}/check-in`, body: { ...how }, idempotencyKey })
}

const of = (visit_id: string) => `/visits/${encodeURIComponent(visit_id)}`
