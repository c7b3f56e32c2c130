import { call } from './client'

export type TickState = 'taken' | 'skipped'

/** On the wall clock of China, such as 07:30. */
export interface Meals {
  breakfast: string
  lunch: string
  dinner: string
  bedtime: string
}

export interface MedicationPlan {
  plan_id: string
  card_id: string
  institution: string
  first_on: string
  ends_at: string
  is_active: boolean
  items: {
    item_no: number
    drug: string
    dose: string
    unit: string
    times_a_day: number
    meal: 'before' | 'after' | 'with' | 'none'
    days: number
    note: string | null
    times: string[]
  }[]
  meals: Meals
  /** Of today and tomorrow. */
  doses: { item_no: number; at: string; state: TickState | null }[]
  taken: number
  due: number
}

export async function listPlans(card_id: string): Promise<MedicationPlan[]> {
  return (await call<{ plans: MedicationPlan[] }>({ method: 'GET', path: `/medication-plans?card_id=${encodeURIComponent(card_id)}` })).plans
}

export function getPlan(plan_id: string): Promise<MedicationPlan> {
  return call({ method: 'GET', path: of(plan_id) })
}

export function changePlan(plan_id: string, meals: Meals, is_active: boolean, idempotencyKey: string): Promise<MedicationPlan> {
  return call({ method: 'PUT', path: of(plan_id), body: { meals: { ...meals }, is_active }, idempotencyKey })
}

/** Null takes back what was said. */
export function tick(plan_id: string, at: string, item_nos: number[], state: TickState | null, idempotencyKey: string): Promise<MedicationPlan> {
  return call({ method: 'POST', path: `${of(plan_id)}/ticks`, body: { at, item_nos, state }, idempotencyKey })
}

const of = (plan_id: string) => `/medication-plans/${encodeURIComponent(plan_id)}`
