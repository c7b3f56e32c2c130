import { call } from './client'

/** What is booked. */
export type Kind = 'clinic' | 'examination' | 'bed' | 'vaccine' | 'checkup'

export interface Institution {
  institution_id: string
  name: string
  kinds: Kind[]
  address: string
}

/** When the hospital said so; not current when it gives no answer now. */
export interface AsOf {
  as_of: string
  is_current: boolean
}

export interface Department {
  department_id: string
  name: string
  place: string
  next_free_on: string | null
  free: number
}

export interface Doctor {
  doctor_id: string
  name: string
  title: string
  department_id: string
  next_free_on: string | null
}

export interface Day {
  on: string
  free: number
  /** Nothing of the day can be booked before. */
  released_at: string | null
}

export interface Slot {
  slot_id: string
  kind: Kind
  department_id: string
  department: string
  doctor_id: string | null
  doctor: string | null
  item: string | null
  place: string
  starts_at: string
  ends_at: string
  capacity: number
  free: number
  fee_fen: number
  released_at: string | null
}

/** What of a hospital's slots is looked at. */
export interface Wanted {
  institution_id: string
  kind: Kind
  department_id: string
  doctor_id: string
}

export async function listInstitutions(): Promise<Institution[]> {
  return (await call<{ institutions: Institution[] }>({ method: 'GET', path: '/institutions' })).institutions
}

export function listDepartments(institution_id: string, kind: Kind): Promise<{ departments: Department[] } & AsOf> {
  return call({ method: 'GET', path: `${of(institution_id)}/departments?kind=${kind}` })
}

export function listDoctors(wanted: Wanted): Promise<{ doctors: Doctor[] } & AsOf> {
  return call({ method: 'GET', path: `${of(wanted.institution_id)}/doctors?${query({ ...wanted, doctor_id: '' })}` })
}

export function listDays(wanted: Wanted): Promise<{ days: Day[] } & AsOf> {
  return call({ method: 'GET', path: `${of(wanted.institution_id)}/days?${query(wanted)}` })
}

export function listSlots(wanted: Wanted, on: string): Promise<{ slots: Slot[] } & AsOf> {
  return call({ method: 'GET', path: `${of(wanted.institution_id)}/slots?${query(wanted)}&on=${on}` })
}

const of = (institution_id: string) => `/institutions/${encodeURIComponent(institution_id)}`

function query(wanted: Wanted): string {
  const doctor = wanted.doctor_id === '' ? '' : `&doctor_id=${encodeURIComponent(wanted.doctor_id)}`
  return `kind=${wanted.kind}&department_id=${encodeURIComponent(wanted.department_id)}${doctor}`
}
